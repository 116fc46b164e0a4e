"""Schema: what a valid request is, by the API's description. `control` decides, `refusals` say why."""

from stockade.controls.schema.control import DeprecatingSchema, Schema
from stockade.controls.schema.documents import Documents
from stockade.controls.schema.soap import SoapEndpoint

__all__ = ["DeprecatingSchema", "Documents", "Schema", "SoapEndpoint"]
