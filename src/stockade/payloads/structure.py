"""The limits of structure of a body of whatever kind, by what it says it is."""

from __future__ import annotations

from stockade.payloads.form import read_form
from stockade.payloads.json_body import read_json
from stockade.payloads.limits import Limits

_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
_XML = ("application/xml", "text/xml")


def has_structure(content_type: str) -> bool:
    """Whether bodies of this type (the field as it was sent) have any that is known."""
    media = content_type.partition(";")[0].strip().lower()
    return media in ("application/json", _FORM, _PARTS, *_XML) or media.endswith(("+json", "+xml"))


def check_structure(body: bytes, content_type: str, limits: Limits, *, files: bool = True) -> None:
    """Raises BadPayload. A body of another type may be anything. files: whether those of multipart are looked into."""
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        read_json(body, limits)
    elif media == _FORM:
        read_form(body, limits)
    elif media == _PARTS:
        from stockade.payloads.multipart import read_multipart

        read_multipart(body, content_type, limits, look_into=files)
    elif media in _XML or media.endswith("+xml"):
        from stockade.payloads.xml_body import read_xml  # and with it lxml

        read_xml(body, limits)
