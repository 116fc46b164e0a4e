"""The WAF: `control` has requests and responses, `streams` the messages of streams."""

from stockade.controls.waf.control import Exclusion, ResponseWaf, Waf
from stockade.controls.waf.streams import StreamWaf

__all__ = ["Exclusion", "ResponseWaf", "StreamWaf", "Waf"]
