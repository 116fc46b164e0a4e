"""What is signed of a request: the signature base (RFC 9421, section 2.5)."""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.parse import parse_qsl, quote

from stockade.signatures.structured import BadField, InnerList, Item, Token, parse_dictionary, write_item, write_member
from stockade.wire import Request

_PORTS: Final = {"https": ":443", "http": ":80"}
_FIELD_PARAMETERS: Final = frozenset({"key", "bs"})


class BadComponent(ValueError):
    """A component that the request does not have, or that is not supported; `reason` is stable."""

    def __init__(self, reason: str, component: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.component = component


def signature_base(request: Request, covered: InnerList) -> bytes:
    """The bytes to verify. Raises BadComponent."""
    lines: list[str] = []
    seen: set[str] = set()
    for item in covered.items:
        identifier = write_item(item)
        if not isinstance(item.value, str) or isinstance(item.value, Token):
            raise BadComponent("component-unsupported", identifier)
        if identifier in seen:
            raise BadComponent("component-twice", identifier)
        seen.add(identifier)
        lines.append(f"{identifier}: {_value(request, item)}")
    lines.append(f'"@signature-params": {write_member(covered)}')
    try:
        # What a header holds beyond ASCII came as bytes, and is signed as such.
        return "\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        raise BadComponent("component-not-text") from None


def _value(request: Request, item: Item) -> str:
    name = item.value
    assert isinstance(name, str)
    if not name.startswith("@"):
        value = _field(request, name, item)
    elif name == "@query-param":
        value = _query_parameter(request, item)
    elif item.parameters:
        raise BadComponent("component-unsupported", name)
    else:
        value = _derived(request, name)
    if "\n" in value or "\r" in value:
        raise BadComponent("component-not-text", name)
    return value


def _derived(request: Request, name: str) -> str:
    """Section 2.2."""
    path, query = path_of(request), request.query
    scheme = request.scheme.lower()
    authority = request.authority.lower().removesuffix(_PORTS.get(scheme, ":"))
    target = f"{path}?{query}" if query else path
    match name:
        case "@method":
            return request.method
        case "@authority":
            return authority
        case "@scheme":
            return scheme
        case "@path":
            return path
        case "@query":
            return f"?{query}"
        case "@request-target":
            return target
        case "@target-uri":
            return f"{scheme}://{authority}{target}"
    raise BadComponent("component-unsupported", name)  # @status, or what is not known


def path_of(request: Request) -> str:
    """The path as it was sent; where nobody kept it, normalised."""
    return request.target.partition("?")[0] or request.path


def _query_parameter(request: Request, item: Item) -> str:
    """Section 2.2.8: by its name, which must come once."""
    name = item.parameters.get("name")
    if not isinstance(name, str) or set(item.parameters) != {"name"}:
        raise BadComponent("component-unsupported", "@query-param")
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise BadComponent("component-missing", "@query-param") from None
    values = [value for key, value in pairs if _encode(key) == name]
    if len(values) != 1:
        raise BadComponent("component-missing" if not values else "component-twice", name)
    return _encode(values[0])


def _encode(text: str) -> str:
    return quote(text, safe="*-._", errors="replace").replace("~", "%7E")


def _field(request: Request, name: str, item: Item) -> str:
    """Section 2.1."""
    if name != name.lower() or not set(item.parameters) <= _FIELD_PARAMETERS:
        raise BadComponent("component-unsupported", name)
    lines = [line.strip(" \t") for line in request.headers.all(name)]
    if not lines and name == "host":
        lines = [request.authority]
    if not lines:
        raise BadComponent("component-missing", name)
    if item.parameters.get("bs") is True and "key" not in item.parameters:
        return ", ".join(f":{b64encode(line.encode('latin-1', 'replace')).decode()}:" for line in lines)
    key = item.parameters.get("key")
    if key is None and not item.parameters:
        return ", ".join(lines)
    if not isinstance(key, str) or "bs" in item.parameters:
        raise BadComponent("component-unsupported", name)
    try:
        return write_member(parse_dictionary(", ".join(lines))[key])
    except (BadField, KeyError):
        raise BadComponent("component-missing", name) from None
