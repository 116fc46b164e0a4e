"""schemathesis against the sample shop through Stockade, from the shop's own description.

What it makes to fit must pass, what it makes not to fit must be refused. Behind Stockade stands an application that
answers 200 to everything, so that every refusal is Stockade's own. In-process through the ASGI door, with many cases;
through Envoy with a few.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from shop.app import create_app

from stockade.gateway.asgi import Receive, Scope
from stockade.gateway.asgi import Send as SendMessage
from tests.gateway.doors import LOGS, AsgiDoor, EnvoyDoor, Loop, Sent, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running

pytestmark = pytest.mark.envoy

MANY, FEW = 40, 6  # cases of an operation and mode
NOTHING_TO_BREAK = {  # no parameter; any bytes at all
    *("GET /health", "GET /whoami", "GET /error", "POST /upload"),
    *("GET /documents", "GET /projects", "GET /admin/users", "GET /admin/orders"),
}
DOCUMENT = create_app().openapi()
# No NUL: it is refused in parameters whatever the description says, since some servers end a text there.
CONFIG = SchemathesisConfig.from_dict({"generation": {"allow-x00": False}})
SCHEMA: Any = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]
Send = Callable[[Sent], Any]


def described(folder: Path, behind: int, log: str) -> dict[str, Any]:
    (folder / "openapi.json").write_text(json.dumps(DOCUMENT))
    # Integers beyond 2^53 are refused by default, since readers disagree on them; those of the shop have no bound.
    return policy(
        api(behind, openapi="openapi.json", schema={"strict": True, "limits": {"integer": 10**60}}), log={"path": log}
    )


async def agreeable(scope: Scope, receive: Receive, send: SendMessage) -> None:
    """Answers 200 once the request is read."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Send]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(described(folder, free_port(), str(folder / LOGS["asgi"]))))
    door = AsgiDoor(loop, folder, agreeable)
    yield door.send
    door.close()
    loop.close()


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Send]:
    folder, port = tmp_path_factory.mktemp("envoy"), free_port()
    with serving(agreeable, port), running(Gateway(folder, described(folder, port, LOGS["envoy"]))) as gateway:
        yield EnvoyDoor(gateway).send


def sent_of(case: Any) -> Sent:
    """The request that schemathesis would send."""
    made = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    body = made.body.encode() if isinstance(made.body, str) else made.body or b""
    assert isinstance(body, bytes)
    fields = tuple(
        (name.lower(), str(value)) for name, value in made.headers.items() if name.lower() != "content-length"
    )
    return Sent(made.method or "", made.path_url, fields, (body,) if body else ())


def vanishes(case: Any) -> bool:
    """Whether what was made wrong may be right once it is written: a list of one is its item, of none nothing."""
    return any(isinstance(value, list) and len(value) < 2 for value in (case.query or {}).values())


def run(send: Send, operation: Any, mode: GenerationMode, most: int) -> Counter[int]:
    """The statuses of that many cases; fails at the first that is not as the mode wants it."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=most,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        assume(mode is GenerationMode.POSITIVE or not vanishes(case))
        sent = sent_of(case)
        reply = send(sent)
        statuses[reply.status] += 1
        if mode is GenerationMode.POSITIVE:
            assert reply.status == 200, (sent, reply.body)
        else:
            assert 400 <= reply.status < 500, (sent, case.meta)

    one()
    return statuses


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_what_fits_the_description_passes(operation, asgi):
    assert run(asgi, operation, GenerationMode.POSITIVE, MANY)[200] > 0


BREAKABLE = [operation for operation in OPERATIONS if operation.label not in NOTHING_TO_BREAK]


@pytest.mark.parametrize("operation", BREAKABLE, ids=[operation.label for operation in BREAKABLE])
def test_what_does_not_fit_is_refused(operation, asgi):
    assert run(asgi, operation, GenerationMode.NEGATIVE, MANY).total() > 0


def test_every_operation_is_there():
    assert len(OPERATIONS) == 36
    assert len(BREAKABLE) == 28


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_the_same_through_envoy(mode, envoy):
    for operation in OPERATIONS if mode is GenerationMode.POSITIVE else BREAKABLE:
        run(envoy, operation, mode, FEW)
