"""The headers of one part of a multipart body: RFC 7578, section 4, where readers agree on it."""

from __future__ import annotations

import re

from msgspec import Struct

from stockade.payloads.limits import Limits

_field = re.compile(r"([!#-'*+.^_`|~0-9A-Za-z-]+):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*)").fullmatch
_parameter = re.compile(
    r"""[ \t]*+;[ \t]*+([!#-'*+.^_`|~0-9A-Za-z-]++)=(?:"([^"\\]*+)"|([!#-'*+.^_`|~0-9A-Za-z-]++))"""
).match
_is_media_type = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}").fullmatch
_ENCODINGS = frozenset(("7bit", "8bit", "binary"))

# A name that a file system, a shell or a decoder downstream would take for something else than a name.
_odd_in_filename = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]').search
_escaped_in_filename = re.compile(r"%(?:0[0-9a-f]|1[0-9a-f]|2f|5c|7f|25|c0%af)", re.IGNORECASE).search
_is_device = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE).fullmatch
_RUNNABLE = frozenset((  # extensions
    "asa", "ashx", "asmx", "asp", "aspx", "bat", "cer", "cfm", "cgi", "cmd", "com", "dll", "exe", "hta", "htaccess",
    "htm", "html", "jar", "js", "jsp", "jspx", "jspf", "lnk", "mjs", "msi", "phar", "php", "php3", "php4", "php5",
    "php7", "php8", "phps", "pht", "phtml", "pl", "ps1", "py", "rb", "scr", "sh", "shtml", "svg", "vbs", "war",
    "wsf", "xht", "xhtml",
))  # fmt: skip


class BadHead(Exception):
    """What is wrong, said of the part; `rule` is the fault's, `name` the part's where it is known."""

    def __init__(self, rule: str, message: str, name: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.name = name


class Head(Struct, frozen=True):
    """What the headers of a part say."""

    name: str
    filename: str | None
    content_type: str


def read_head(head: bytes, limits: Limits) -> Head:
    """Raises BadHead."""
    fields = _fields(head)
    disposition, _, parameters = fields.pop("content-disposition", "").partition(";")
    if disposition.strip(" \t") != "form-data":
        raise BadHead("disposition", "must have Content-Disposition: form-data")
    found = read_parameters(parameters, ("name", "filename"))
    name = found.get("name", "")
    if not name:
        raise BadHead("disposition", "has no name")
    if len(name) > limits.name:
        raise BadHead("name-length", f"has a name longer than {limits.name} characters", name)
    if "\t" in name:
        raise BadHead("part-name", "has a name with a control character", name)
    filename = found.get("filename")
    if filename:
        _check_filename(filename, name, limits)
    content_type = _content_type(fields.pop("content-type", "text/plain"), name)
    if fields.pop("content-transfer-encoding", "binary").lower() not in _ENCODINGS:
        raise BadHead("transfer-encoding", "has a transfer encoding (RFC 7578, section 4.7: send it as it is)", name)
    fields.pop("content-length", "")  # some clients write it, nobody may believe it
    if fields:
        raise BadHead("part-headers", "has headers that a form has not", name)
    return Head(name, filename, content_type)


def _fields(head: bytes) -> dict[str, str]:
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise BadHead("utf-8", "has headers that are not UTF-8") from None
    fields: dict[str, str] = {}
    for line in lines:
        if line[:1] in (" ", "\t"):
            raise BadHead("folded-header", "has a folded header")
        found = _field(line)
        if not found:
            raise BadHead("part-headers", "has a malformed header")
        name = found[1].lower()
        if name in fields:
            raise BadHead("duplicate-header", "has a header twice")
        fields[name] = found[2].rstrip(" \t")
    return fields


def read_parameters(text: str, known: tuple[str, ...]) -> dict[str, str]:
    """`name="a"; filename=b`, as it follows the first semicolon. Raises BadHead for unknown and repeated names."""
    found: dict[str, str] = {}
    text = ";" + text if text.strip(" \t") else ""
    at = 0
    while at < len(text) and text[at:].strip(" \t"):
        parameter = _parameter(text, at)
        if not parameter:
            raise BadHead("parameter", "has a malformed parameter; quoted values without backslashes are read")
        name = parameter[1].lower()
        if name.rstrip("*0123456789") != name and "*" in name:
            raise BadHead("parameter", "has a parameter with an asterisk (RFC 7578, section 4.2, forbids filename*)")
        if name not in known:
            raise BadHead("parameter", "has a parameter that it may not have")
        if name in found:
            raise BadHead("parameter", "has a parameter twice")
        found[name] = parameter[3] if parameter[2] is None else parameter[2]
        at = parameter.end()
    return found


def _content_type(text: str, name: str) -> str:
    media, semicolon, parameters = text.partition(";")
    media = media.strip(" \t").lower()
    if not _is_media_type(media):
        raise BadHead("part-type", "has a malformed content type", name)
    if media.startswith(("multipart/", "message/")):
        raise BadHead("part-type", "holds messages within itself", name)
    if semicolon and "charset" in parameters.lower():
        found = _parameter(";" + parameters)
        if (
            not found
            or found[1].lower() != "charset"
            or (found[2] or found[3] or "").lower() not in ("utf-8", "us-ascii")
        ):
            raise BadHead("charset", "must be in UTF-8", name)
    return media


def _check_filename(filename: str, name: str, limits: Limits) -> None:
    if len(filename) > limits.filename:
        raise BadHead("filename", f"has a file name longer than {limits.filename} characters", name)
    if _odd_in_filename(filename) or _escaped_in_filename(filename):
        raise BadHead("filename", "has a file name with a separator or another character no file name needs", name)
    if filename != filename.strip(" .") or _is_device(filename):
        raise BadHead("filename", "has a file name that begins or ends with a blank or point, or means a device", name)
    inner = filename.lower().split(".")[1:-1]
    if not limits.double_extensions and not _RUNNABLE.isdisjoint(extension.strip() for extension in inner):
        raise BadHead("double-extension", "has a file name with a second extension that some servers would run", name)
