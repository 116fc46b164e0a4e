"""A month of the sample shop in a minute: who is refused, honest or not, and what the first hour of learning misses.

    python benchmarks/ownership.py [--days 30] [--seed 7] [--output docs/ownership.md]

The engine runs with the policy below before the real shop, without a network and by a clock of its own. Customers
list, read, order, redeem, write, share, hand over, come with new devices and export in bulk; support staff and an
administrator work; three customers attack every day. `--output` writes the tables into the page.

Exit status: 0 all well, 1 an honest request was refused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "examples")]

from shop.app import create_app  # noqa: E402 - see above
from shop.schemas import TEAMS  # noqa: E402 - see above

from stockade.config import build, load_text  # noqa: E402 - see above
from stockade.engine import (  # noqa: E402 - see above
    REQUEST_HEAD,
    Binding,
    Policy,
    RequestBody,
    ResponseBody,
    ResponseHead,
    Route,
    drive,
    open_session,
)
from stockade.stores import Counters, KeySources, Owners, Stores  # noqa: E402 - see above
from stockade.stores.owners import Edge  # noqa: E402 - see above
from stockade.vocabulary import Control, Exchange, Pass, Principal, Stop  # noqa: E402 - see above
from stockade.wire import BadRequest, Headers, Peer, Response, read_request  # noqa: E402 - see above

POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    limits: []
    authorization:
      default: allow
      roles: {members: {support: ["18", "19"], admin: ["20"]}}
      rules:
        - {name: admin, operations: ["* /admin/*"], roles: [admin]}
      properties:
        - {name: privileged, properties: [role, password_hash], roles: [admin]}
        - {name: money, properties: [total, status], operations: ["* /orders/{id}"], roles: [support, admin]}
    ownership:
      - type: user
        id: [path.id, query.user_id, body.user_id]
        operations: ["GET /users/{id}", "PATCH /users/{id}", "GET /orders", "POST /orders"]
        owner: principal
        exempt: {roles: [support, admin]}
      - type: customer
        id: query.user_id
        operations: ["GET /orders"]
        required: true
        exempt: {roles: [support, admin]}
      - type: order
        id: [path.id, body.order_id]
        operations: ["* /orders/{id}", "POST /coupons/redeem"]
        learn: {from: "POST /orders"}
        lists: {"GET /orders": "response[*].id"}
        tell:
          - {from: "GET /orders/{id}", id: path.id, to: response.user_id}
          - {from: "GET /admin/orders", id: "response[*].id", to: "response[*].user_id"}
        exclusive: true
        principals: 5
        exempt: {roles: [support, admin]}
      - type: document
        id: path.id
        operations: ["* /documents/{id}", "* /documents/{id}/*"]
        learn: {from: "POST /documents"}
        lists: {"GET /documents": "response[*].id"}
        tell: {from: "GET /documents/{id}", id: path.id, to: response.user_id}
        share: {from: "POST /documents/{id}/shares", id: path.id, to: body.user_id}
        move: {from: "POST /documents/{id}/owner", id: path.id, to: body.user_id}
        remove: ["DELETE /documents/{id}"]
        principals: 5
        exempt: {roles: [support, admin]}
      - type: project
        id: path.id
        operations: ["* /projects/{id}", "* /projects/{id}/*"]
        owner: "claim:team"
        learn: {from: "POST /projects"}
        lists: {"GET /projects": "response[*].id"}
        tell: {from: "GET /projects/{id}", id: path.id, to: response.team}
        move: {from: "POST /projects/{id}/team", id: path.id, to: body.team}
        principals: 3
        exempt: {roles: [support, admin]}
"""
AT_ONCE = POLICY.replace("principals: 5", "learning: 0s").replace("principals: 3", "learning: 0s")
START = 1_763_769_600.0  # midnight, UTC
CUSTOMERS = range(1, 18)
ATTACKERS = (15, 16, 17)
ADMIN = "admin function"
SPELLINGS = ("{}", "0{}", "{}.0", "{}.json", "{}%20", "%2B{}", "{};a=1", "{}/", "{},{}", "0x{:x}")
BEGIN, END = "<!-- figures: benchmarks/ownership.py -->\n", "<!-- end of figures -->\n"


class Asked(NamedTuple):
    """One request. honest: None where it is an attack that has nothing to gain (no such object)."""

    who: int
    method: str
    target: str
    body: Any
    honest: bool
    kind: str


class _Proves(Control):
    name = "authentication"

    def __init__(self) -> None:
        self.who: Principal | None = None

    def on_request(self, exchange: Exchange) -> Pass:  # noqa: ARG002 - a hook
        return Pass(principal=self.who)


class World:
    """The shop behind its gateway. `now` is the clock of both."""

    def __init__(self, text: str) -> None:
        self.app = create_app()
        self.shop = self.app.state.shop
        self.owners = Owners(None, 20_000)
        self.stores = Stores(Counters(), None, KeySources(()), owners=self.owners)
        (route,) = build(load_text(text, Path("stockade.yaml"), {})).policy.routes
        self._proves = _Proves()
        fields = ("api", "hosts", "prefix", "upstream", "operations", "trusted_proxies", "max_body")
        kept = {name: getattr(route, name) for name in fields}
        self._policy = Policy([Route.compile([Binding(self._proves), *route.bindings], **kept)])
        self.now = START

    async def ask(self, asked: Asked, device: str = "phone") -> tuple[int, str, Any]:
        """The status for the client, the rule that refused (or ""), and what the upstream said."""
        body = json.dumps(asked.body).encode() if asked.body is not None else b""
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))] if body else []
        request = read_request(
            *("r", self.now, asked.method, "http", "shop", asked.target, Headers.of(headers), Peer("203.0.113.9")),
            *("HTTP/1.1", bool(body)),
        )
        if isinstance(request, BadRequest):
            return 400, "bad-target", None
        claims = {"team": self.shop.teams[asked.who]}
        self._proves.who = Principal(str(asked.who), "jwt", device, claims=claims)
        session = open_session(self._policy, request)
        verdict = drive(session.receive(REQUEST_HEAD), self.stores.answer)
        if session.reads_request_body:
            verdict = drive(session.receive(RequestBody(body)), self.stores.answer)
        status, reply = 0, b""
        if not isinstance(verdict, Stop):
            status, pairs, reply = await self._call(request.method, request.path, request.query, body, asked.who)
            verdict = drive(session.receive(ResponseHead(Response(status, Headers.of(pairs)))), self.stores.answer)
            if session.reads_response_body and not isinstance(verdict, Stop):
                verdict = drive(session.receive(ResponseBody(reply)), self.stores.answer)
        if isinstance(verdict, Stop):
            return verdict.response.status, verdict.findings[-1].rule, None
        return status, "", json.loads(reply) if reply[:1] in (b"{", b"[") else None

    async def _call(
        self, method: str, path: str, query: str, body: bytes, who: int
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        sent: list[Any] = []
        headers = [(b"x-stockade-principal", str(who).encode()), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("shop", 80),
            "root_path": "",
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return sent[0]["status"], pairs, b"".join(message.get("body", b"") for message in sent[1:])


def honest(world: World, who: int, chance: random.Random) -> Iterator[Asked]:  # noqa: C901 - a list
    """One visit of a customer: a few requests."""
    shop = world.shop

    def own(method: str, target: str, body: Any = None, kind: str = "") -> Asked:
        return Asked(who, method, target, body, True, kind)

    mine = [order.id for order in shop.orders.values() if order.user_id == who]
    written = [each.id for each in shop.documents.values() if each.user_id == who]
    readable = [each.id for each in shop.documents.values() if who in (each.user_id, *each.readers)]
    what = chance.random()
    if what < 0.25:
        yield own("GET", f"/orders?user_id={who}", kind="list")
        for id_ in chance.sample(mine, min(2, len(mine))):
            yield own("GET", f"/orders/{id_}", kind="read")
    elif what < 0.40 and mine:  # a link in a mail: no list before it
        yield own("GET", f"/orders/{chance.choice(mine)}", kind="link")
    elif what < 0.50:
        yield own("POST", "/orders", {"user_id": who, "items": [{"product_id": 3, "quantity": 1}]}, kind="order")
    elif what < 0.55 and mine:
        yield own("POST", "/coupons/redeem", {"code": "WELCOME10", "order_id": chance.choice(mine)}, kind="redeem")
    elif what < 0.65:
        yield own("POST", "/documents", {"title": "notes"}, kind="write")
    elif what < 0.75 and readable:
        if chance.random() < 0.5:
            yield own("GET", "/documents", kind="list")
        yield own("GET", f"/documents/{chance.choice(readable)}", kind="shared")
    elif what < 0.82 and written:
        other = chance.choice([each for each in CUSTOMERS if each != who])
        yield own("POST", f"/documents/{chance.choice(written)}/shares", {"user_id": other}, kind="share")
    elif what < 0.83 and written:
        other = chance.choice([each for each in CUSTOMERS if each != who])
        yield own("POST", f"/documents/{chance.choice(written)}/owner", {"user_id": other}, kind="hand over")
    elif what < 0.84 and written:
        yield own("DELETE", f"/documents/{chance.choice(written)}", kind="throw away")
    elif what < 0.85 and mine:
        yield own("PATCH", f"/orders/{chance.choice(mine)}", {"items": [{"product_id": 4, "quantity": 2}]}, "change")
    elif what < 0.86 and mine:
        yield own("DELETE", f"/orders/{chance.choice(mine)}", kind="cancel")
    elif what < 0.90:
        yield own("PATCH", f"/users/{who}", {"phone": "+1-202-555-0199"}, kind="profile")
    elif what < 0.92:
        yield own("GET", f"/orders?user_id={who}", kind="export")
        for id_ in mine:
            yield own("GET", f"/orders/{id_}", kind="export")
    else:
        yield own("GET", "/products", kind="browse")
        yield from teamwork(world, who, chance)


def teamwork(world: World, who: int, chance: random.Random) -> Iterator[Asked]:
    """What one does in one's team: what a colleague began is everybody's there."""
    shop = world.shop
    ours = [each.id for each in shop.projects.values() if each.team == shop.teams[who]]
    if chance.random() < 0.3:
        yield Asked(who, "POST", "/projects", {"title": "plan"}, True, "begin")
    if chance.random() < 0.3:
        yield Asked(who, "GET", "/projects", None, True, "team")
    for id_ in chance.sample(ours, min(2, len(ours))):
        yield Asked(who, "GET", f"/projects/{id_}", None, True, "team")
    if ours and chance.random() < 0.2:
        yield Asked(who, "PUT", f"/projects/{chance.choice(ours)}", {"title": "new plan"}, True, "team")
    if ours and chance.random() < 0.1:
        yield Asked(who, "POST", f"/projects/{chance.choice(ours)}/team", {"team": chance.choice(TEAMS)}, True, "give")


def staff(world: World, who: int, chance: random.Random) -> Iterator[Asked]:
    orders, documents = list(world.shop.orders), list(world.shop.documents)
    yield Asked(who, "GET", f"/orders/{chance.choice(orders)}", None, True, "support")
    yield Asked(who, "GET", f"/orders?user_id={chance.choice(CUSTOMERS)}", None, True, "support")
    if documents:
        yield Asked(who, "GET", f"/documents/{chance.choice(documents)}", None, True, "support")
    if world.shop.projects:
        yield Asked(who, "GET", f"/projects/{chance.choice(list(world.shop.projects))}", None, True, "support")
    yield Asked(who, "PATCH", f"/orders/{chance.choice(orders)}", {"status": "shipped"}, True, "support")
    if who == 20:
        yield Asked(who, "GET", "/admin/orders", None, True, "admin")
        yield Asked(who, "PATCH", "/users/3", {"role": "customer"}, True, "admin")
        if chance.random() < 0.2:  # somebody changes teams: what was his colleagues' is no longer his
            moved = chance.choice(CUSTOMERS)
            yield Asked(who, "POST", f"/admin/users/{moved}/team", {"team": chance.choice(TEAMS)}, True, "admin")


def attack(world: World, who: int, chance: random.Random) -> Iterator[Asked]:
    """What is another's, in every way that the shop would allow."""
    shop = world.shop

    def foul(method: str, target: str, body: Any = None, kind: str = "") -> Asked:
        return Asked(who, method, target, body, False, kind)

    victim = chance.choice([each for each in CUSTOMERS if each != who])
    orders = [order.id for order in shop.orders.values() if order.user_id != who]
    secret = [each.id for each in shop.documents.values() if who not in (each.user_id, *each.readers)]
    order = chance.choice(orders)
    spelled = chance.choice(SPELLINGS).format(order, order)
    yield foul("GET", f"/orders/{spelled}", kind="read another's")
    yield foul("DELETE", f"/orders/{order}", kind="delete another's")
    yield foul("POST", "/coupons/redeem", {"code": "STAFF50", "order_id": order}, kind="id in a body")
    yield foul("GET", f"/orders?user_id={victim}", kind="list another's")
    yield foul("GET", "/orders", kind="list everybody's")
    yield foul("GET", f"/users/{victim}", kind="read a user")
    yield foul("PATCH", f"/users/{who}", {"role": "admin"}, kind="privileged property")
    yield foul("PATCH", f"/orders/{order}", {"items": [{"product_id": 1, "quantity": 1}]}, kind="update another's")
    own = [each.id for each in shop.orders.values() if each.user_id == who]
    if own:
        yield foul("PATCH", f"/orders/{chance.choice(own)}", {"total": 1}, kind="privileged property")
    yield foul("GET", chance.choice(("/admin/orders", "/Admin/users", "/admin//users", "/admin/users/")), None, ADMIN)
    yield foul("POST", f"/admin/users/{who}/role", {"role": "admin"}, ADMIN)
    yield foul("POST", f"/admin/users/{who}/team", {"team": chance.choice(TEAMS)}, ADMIN)
    strange = [each.id for each in shop.projects.values() if each.team != shop.teams[who]]
    if strange:
        project = chance.choice(strange)
        yield foul("GET", f"/projects/{project}", kind="read another's")
        yield foul("PUT", f"/projects/{project}", {"title": "x"}, kind="update another's")
        yield foul("POST", f"/projects/{project}/team", {"team": shop.teams[who]}, kind="share another's")
    if secret:
        document = chance.choice(secret)
        yield foul("GET", f"/documents/{document}", kind="read another's")
        yield foul("PUT", f"/documents/{document}", {"title": "x"}, kind="update another's")
        yield foul("POST", f"/documents/{document}/shares", {"user_id": who}, kind="share another's")
        yield foul("DELETE", f"/documents/{document}", kind="delete another's")
    if chance.random() < 0.2:
        for id_ in orders[:40]:
            yield foul("GET", f"/orders/{id_}", kind="walk")


PHASES = ("first hour", "first day", "later")
Tally = Counter[tuple[str, bool, bool, str]]  # phase, honest, refused, kind


async def month(world: World, days: int, seed: int) -> tuple[Tally, list[tuple[str, Asked, str]]]:
    chance = random.Random(seed)
    tally: Tally = Counter()
    wrong: list[tuple[str, Asked, str]] = []
    for day in range(days):
        visits: list[tuple[float, Callable[..., Iterator[Asked]], int]] = []
        for who in CUSTOMERS:
            visits += [(chance.uniform(0, 86400), honest, who) for _ in range(6)]
        visits += [(chance.uniform(0, 86400), staff, who) for who in (18, 19, 20) for _ in range(3)]
        visits += [(chance.uniform(0, 86400), attack, who) for who in ATTACKERS]
        if day == 0:  # so that the first hour has something of everything
            visits += [(chance.uniform(0, 3600), honest, who) for who in CUSTOMERS]
            visits += [(chance.uniform(600, 3600), attack, who) for who in ATTACKERS]
        for at, make, who in sorted(visits, key=lambda visit: visit[0]):
            world.now = START + day * 86400 + at
            phase = PHASES[0] if world.now < START + 3600 else PHASES[1] if day == 0 else PHASES[2]
            for asked in make(world, who, chance):
                world.now += 1.0
                status, rule, said = await world.ask(asked, chance.choice(("phone", "laptop", f"new-{day}")))
                if not asked.honest and not rule and (status >= 400 or said in ([], None)) and status != 204:
                    continue  # the shop itself had nothing to give
                refused = bool(rule)
                tally[phase, asked.honest, refused, asked.kind] += 1
                if asked.honest == refused:
                    wrong.append((phase, asked, rule))
    return tally, wrong


def imported(world: World) -> None:
    """What the operator knows already: the shop's own table of orders."""
    orders = world.shop.orders.values()
    at = START - 86400 * 2
    world.owners.load(
        Edge("shop/order", str(each.id), f"principal:{each.user_id}", at, START, "import") for each in orders
    )


def table(tally: Tally) -> list[str]:
    lines = [
        "| | honest | of these refused | attacks | of these refused | precision | recall |",
        "|---|---|---|---|---|---|---|",
    ]
    for phase in (*PHASES, "the whole month"):
        count: Counter[tuple[bool, bool]] = Counter()
        for (at, fair, refused, _), number in tally.items():
            if phase in (at, "the whole month"):
                count[fair, refused] += number
        good, bad = (count[side, True] + count[side, False] for side in (True, False))
        hit, false = count[False, True], count[True, True]
        precision = f"{100 * hit / (hit + false):.1f} %" if hit + false else "–"
        recall = f"{100 * hit / bad:.1f} %" if bad else "–"
        lines.append(f"| {phase} | {good} | {false} | {bad} | {hit} | {precision} | {recall} |")
    return lines


def missed(tally: Tally) -> list[str]:
    kinds = sorted({kind for _, good, _, kind in tally if not good})
    lines = ["| attack | refused in the first day | later |", "|---|---|---|"]
    for kind in kinds:
        cells = []
        for phases in (PHASES[:2], PHASES[2:]):
            hit, miss = (sum(tally[phase, False, side, kind] for phase in phases) for side in (True, False))
            cells.append(f"{hit} of {hit + miss}")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="A month of the sample shop.")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    lines: list[str] = []
    failed = False
    for title, text, prepare in (
        ("Learned from nothing, `learning: 24h`", POLICY, None),
        ("Orders imported, `learning: 0s`", AT_ONCE, imported),
    ):
        world = World(text)
        if prepare is not None:
            prepare(world)
        tally, wrong = asyncio.run(month(world, arguments.days, arguments.seed))
        lines += [f"**{title}**", "", *table(tally), "", *missed(tally), ""]
        for phase, asked, rule in wrong[:1000]:
            if asked.honest or phase == "later":
                print(f"{title}: {phase}: {asked} {rule}", file=sys.stderr)
        failed = failed or any(asked.honest for _, asked, _ in wrong)
    print("\n".join(lines))
    if arguments.output is not None:
        page = arguments.output.read_text()
        before, _, rest = page.partition(BEGIN)
        arguments.output.write_text(before + BEGIN + "\n" + "\n".join(lines) + END + rest.partition(END)[2])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
