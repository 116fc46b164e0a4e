"""The requests of the WAF benchmark: pools of requests in API shape that differ in their values, as traffic does.

Names of paths, headers and members are few and come again, as in every API. Values are drawn anew for every request
(identifiers, amounts, dates, addresses, sentences), so that no engine meets a text a second time except those that
recur in real traffic: media types, methods, a handful of clients, states of an order, currencies, `true`.
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from stockade.wire import Headers, Peer, Request

HOST = "shop.example.test"
KIB = 1024


def words(text: str) -> tuple[str, ...]:
    """A list that reads as text."""
    return tuple(text.split())


WORDS = words("""\
please ring twice and leave the parcel with our neighbour on second floor if nobody answers door thank you
order arrived late but coffee machine works well invoice should name company not me could we change delivery from
Monday to Thursday morning colour is darker than picture shows support was friendly box damaged inside fine
would buy again size runs small returned one pair kept other table lamp garden chair set update where my refund
select best option for large family group meeting room projector cable adapter drop off point near station
""")
GIVEN = words("Mara Jonas Aiko Lucía Emeka Priya Oleg Søren Chloé Tomás Ines Farid Wanda Hugo Noor Zoë")
FAMILY = words("Lindqvist O'Brien Tanaka García Okafor Sharma Petrov Jensen Dubois Novák Costa Haddad Weiss")
CITIES = words("Bremen Porto Kyōto Lagos Pune Göteborg Lyon Brno Leeds Utrecht Gdańsk Cádiz Tampere Ghent")
STATES = ("open", "paid", "packed", "shipped", "returned")
CURRENCIES = ("EUR", "USD", "SEK", "JPY", "GBP")
CLIENTS = (
    "shop-client/4.2 (linux; python-httpx/0.28.1)",
    "okhttp/4.12.0",
    "ShopApp/7.1.3 (iPhone; iOS 17.5; Scale/3.00)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
)
ATTACKS = (
    "{n}' OR '{m}'='{m}",
    "{n}' UNION SELECT username, password FROM users WHERE id > {m}-- ",
    "{n}; DROP TABLE orders_{m}; --",
    "' AND (SELECT {n} FROM (SELECT SLEEP({m}))x)-- ",
    "{n}) OR {m}={m} ORDER BY 3#",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, in the forms that engines take: `request` whole, and its parts as a framework would give them."""

    request: Request
    query: Mapping[str, list[str]] = field(default_factory=dict)
    fields: Mapping[str, list[str]] | None = None  # of a form or a multipart body


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request; `pool` is how many of them a round has."""

    name: str
    pool: int
    make: Callable[[random.Random], Sent]

    def requests(self, count: int, seed: str) -> list[Sent]:
        """That many different requests, the same ones for the same seed."""
        source = random.Random(f"{self.name} {seed}")
        return [self.make(source) for _ in range(count)]


def sentence(source: random.Random, most: int = 14) -> str:
    """Words such as people write to a shop."""
    return " ".join(source.choices(WORDS, k=source.randint(3, most))).capitalize() + source.choice((".", "!", "?", ""))


def identifier(source: random.Random) -> str:
    """A version 4 UUID."""
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


def token(source: random.Random, count: int = 32) -> str:
    """Base64url without padding, as in bearer tokens."""
    return base64.urlsafe_b64encode(source.randbytes(count)).decode().rstrip("=")


def moment(source: random.Random) -> str:
    """An instant in RFC 3339's form."""
    r = source.randint
    return f"202{r(0, 6)}-{r(1, 12):02}-{r(1, 28):02}T{r(0, 23):02}:{r(0, 59):02}:{r(0, 59):02}.{r(0, 999):03}Z"


def price(source: random.Random) -> str:
    """An amount of money."""
    return f"{source.randint(1, 4000)}.{source.randint(0, 99):02}"


def person(source: random.Random) -> dict[str, object]:
    """Somebody with an address."""
    given, family = source.choice(GIVEN), source.choice(FAMILY)
    number = source.randint(1, 9999)
    return {
        "name": f"{given} {family}",
        "email": f"{given}.{number}@mail{source.randint(1, 99)}.example".lower(),
        "phone": f"+{source.randint(10**10, 10**12)}",
        "street": f"{source.choice(WORDS).capitalize()} street {number}",
        "city": source.choice(CITIES),
        "postcode": f"{source.randint(10000, 99999)}",
    }


def item(source: random.Random) -> dict[str, object]:
    """A line of an order."""
    return {
        "product": source.randint(1, 10**6),
        "sku": token(source, 6),
        "title": " ".join(source.choices(WORDS, k=3)),
        "quantity": source.randint(1, 9),
        "price": price(source),
        "gift": source.random() < 0.1,
        "added_at": moment(source),
    }


def order(source: random.Random, size: int) -> bytes:
    """A JSON order of exactly `size` bytes; as many lines as fit, and the note is as long as it takes."""
    content: dict[str, object] = {
        "customer": f"c-{source.randint(10**4, 10**7)}",
        "currency": source.choice(CURRENCIES),
        "state": source.choice(STATES),
        "items": (items := [item(source)]),
        "note": "",
    }
    if size >= KIB:
        content |= {"delivery": person(source), "reference": identifier(source), "created_at": moment(source)}
    room = size - len(encoded(content)) - 64
    while room > (length := len(encoded(line := item(source))) + 1):
        items.append(line)
        room -= length
    note = ""
    missing = size - len(encoded(content))
    while len(note) < missing:
        note += sentence(source) + " "
    return encoded({**content, "note": note[:missing]})


def encoded(content: object) -> bytes:
    """JSON as most clients send it."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode()


def request(
    source: random.Random, method: str, path: str, query: str = "", kind: str = "", body: bytes = b""
) -> Request:
    """A request with the headers of an API client."""
    headers = {
        "host": HOST,
        "user-agent": source.choice(CLIENTS),
        "accept": "application/json",
        "accept-language": source.choice(("en-GB,en;q=0.8", "de-DE,de;q=0.9", "fr")),
        "accept-encoding": "gzip, deflate, br",
        "authorization": f"Bearer {token(source)}",
        "traceparent": f"00-{source.getrandbits(128):032x}-{source.getrandbits(64):016x}-01",
        "x-request-id": identifier(source),
    }
    if body:
        headers |= {"content-type": kind, "content-length": str(len(body))}
    return Request(
        id=identifier(source),
        at=1.8e9,
        method=method,
        scheme="http",
        authority=HOST,
        path=path,
        query=query,
        headers=Headers(list(headers), list(headers.values())),
        peer=Peer(f"198.51.100.{source.randint(1, 254)}"),
        has_body=bool(body),
        target=f"{path}?{query}" if query else path,
        body=body,
    )


def small_get(source: random.Random) -> Sent:
    """A list with a filter and a page."""
    parameters = {
        "q": " ".join(source.choices(WORDS, k=2)),
        "state": source.choice(STATES),
        "since": moment(source),
        "page": str(source.randint(1, 500)),
    }
    path = f"/customers/{identifier(source)}/orders"
    return Sent(request(source, "GET", path, urlencode(parameters)), {k: [v] for k, v in parameters.items()})


def json_post(size: int) -> Callable[[random.Random], Sent]:
    """Orders of that many bytes."""

    def make(source: random.Random) -> Sent:
        return Sent(request(source, "POST", "/orders", kind="application/json", body=order(source, size)))

    return make


def form(source: random.Random) -> Sent:
    """A form as a browser sends it."""
    fields = {name: str(value) for name, value in person(source).items()}
    fields |= {"note": sentence(source), "terms": "on", "csrf": token(source, 24)}
    body = urlencode(fields).encode()
    made = request(source, "POST", "/accounts", kind="application/x-www-form-urlencoded", body=body)
    return Sent(made, fields={name: [value] for name, value in fields.items()})


def multipart(source: random.Random) -> Sent:
    """Two fields and a file of two kilobytes."""
    boundary = f"----client{source.getrandbits(64):016x}"
    fields = {"title": sentence(source, 6), "order": identifier(source)}
    lines = "".join(f"{row},{token(source, 9)},{price(source)}\r\n" for row in range(80))
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    name = f"lines-{source.randint(1, 10**6)}.csv"
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
    parts.append(head + lines)
    text = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    kind = f"multipart/form-data; boundary={boundary}"
    made = request(source, "POST", "/imports", kind=kind, body=text.encode())
    return Sent(made, fields={**{key: [value] for key, value in fields.items()}, "file": [lines]})


def many_arguments(source: random.Random) -> Sent:
    """A form with 200 fields, as a table editor sends it."""
    makers = (price, moment, sentence, identifier, lambda one: str(one.randint(0, 999)))
    columns = ("amount", "at", "note", "id", "count")
    fields = {f"rows[{at // 5}][{columns[at % 5]}]": makers[at % 5](source) for at in range(200)}
    body = "&".join(f"{quote(name)}={quote(value)}" for name, value in fields.items()).encode()
    made = request(source, "POST", "/tables/7", kind="application/x-www-form-urlencoded", body=body)
    return Sent(made, fields={name: [value] for name, value in fields.items()})


def attack(source: random.Random) -> Sent:
    """SQL injection in one member of a JSON order."""
    text = source.choice(ATTACKS).format(n=source.randint(1, 10**6), m=source.randint(2, 9999))
    content = {
        "customer": text,
        "currency": source.choice(CURRENCIES),
        "items": [item(source)],
        "note": sentence(source),
    }
    return Sent(request(source, "POST", "/orders", kind="application/json", body=encoded(content)))


GET = Case("GET with a query", 300, small_get)
POST = Case("JSON POST, 350 B", 300, json_post(350))
ATTACK = Case("attack: SQL injection in JSON", 300, attack)
CASES = (
    GET,
    POST,
    Case("JSON POST, 1 KB", 300, json_post(KIB)),
    Case("JSON POST, 16 KB", 100, json_post(16 * KIB)),
    Case("JSON POST, 128 KB", 25, json_post(128 * KIB)),
    Case("form", 300, form),
    Case("multipart", 300, multipart),
    Case("200 arguments", 100, many_arguments),
    ATTACK,
)
