"""What directives other than rules say: the engine's mode, which bodies it reads, and their limits."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from stockade.seclang import Directive


class Settings(Struct, frozen=True):
    mode: str = "On"  # "Off", "DetectionOnly"
    reads_body: bool = True
    reads_response: bool = False
    body_limit: int = 134217728  # bytes; what is more is not inspected
    fields_limit: int = 131072  # of the body, or what a multipart body holds besides files; more is an error
    response_limit: int = 524288
    response_types: tuple[str, ...] = ("text/plain", "text/html", "text/xml")
    arguments: int = 1000
    json_depth: int = 512
    collection_timeout: int = 3600  # seconds


_SWITCH = {"on": True, "off": False}
_MODES = {"on": "On", "off": "Off", "detectiononly": "DetectionOnly"}
_NUMBERS = {
    "secrequestbodylimit": "body_limit",
    "secrequestbodynofileslimit": "fields_limit",
    "secresponsebodylimit": "response_limit",
    "secargumentslimit": "arguments",
    "secrequestbodyjsondepthlimit": "json_depth",
    "seccollectiontimeout": "collection_timeout",
}
_SWITCHES = {"secrequestbodyaccess": "reads_body", "secresponsebodyaccess": "reads_response"}


def applied(settings: Settings, directive: Directive) -> Settings:
    """The settings with what the directive says; those that mean nothing here change nothing."""
    name = directive.name.lower()
    argument = directive.arguments[0] if directive.arguments else ""
    if name == "secruleengine":
        return replace(settings, mode=_MODES.get(argument.lower(), settings.mode))
    if name in _SWITCHES:
        return replace(settings, **{_SWITCHES[name]: _SWITCH.get(argument.lower(), False)})
    if name in _NUMBERS and argument.isascii() and argument.isdigit():
        return replace(settings, **{_NUMBERS[name]: int(argument)})
    if name == "secresponsebodymimetype":
        return replace(settings, response_types=tuple(kind.lower() for kind in " ".join(directive.arguments).split()))
    if name == "secresponsebodymimetypesclear":
        return replace(settings, response_types=())
    return settings
