"""Schema: what a valid request is, by the API's description. `control` decides, `refusals` say why."""

from stockade.controls.schema.control import DeprecatingSchema, Schema

__all__ = ["DeprecatingSchema", "Schema"]
