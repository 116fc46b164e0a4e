"""Passwords that look like attacks, in requests and messages through a real Envoy: they are refused, and not shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets.exceptions
from websockets.sync.client import connect

from tests.canaries.secret_places import MARK, PLACES, SECRETS
from tests.gateway.doors import serving
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.test_waf_streams import talk

pytestmark = pytest.mark.envoy

SENT = ("query argument", "form field", "nested JSON member", "multipart part", "XML element", "cookie", "header")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    guarded = api(port, waf={"rules": "builtin", "paranoia": 4, "streams": True})
    with (
        serving(talk, port, ws="websockets-sansio"),
        running(Gateway(tmp_path_factory.mktemp("fields"), policy(guarded))) as made,
    ):
        yield made


def written(gateway: Gateway) -> str:
    """The decision log, metrics and all that was printed: every file of the folder."""
    files = [file.read_text("utf-8", "replace") for file in Path(gateway.folder).rglob("*") if file.is_file()]
    assert any("request_id" in text for text in files)
    return re.sub(r"\W|[0-9]", "", "".join([*files, *gateway.metrics()]).lower())


@pytest.mark.parametrize("place", SENT)
def test_a_secret_is_refused_and_not_shown(gateway: Gateway, place: str) -> None:
    sent = PLACES[place](SECRETS["sql"])
    tag = f"canary-{SENT.index(place)}"
    headers = {name: value for name, value in sent.headers if name != "content-length"}
    assert gateway.ask(sent.method, sent.target, {**headers, "X-Tag": tag}, sent.body).status == 403
    record = gateway.record(tag)
    assert record["control"] == "waf"
    assert any(finding["evidence"].startswith("…(") for finding in record["findings"])
    assert MARK not in written(gateway)


def test_nor_that_of_a_message(gateway: Gateway) -> None:
    with connect(f"ws://127.0.0.1:{gateway.port}/ws", additional_headers={"X-Tag": "message"}) as socket:
        socket.send(json.dumps({"login": {"password": SECRETS["sql"]}}))
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            socket.recv(10)
    wait_until(lambda: gateway.record("message"), "the record of the stream")
    assert any(finding["control"] == "waf" for finding in gateway.record("message")["findings"])
    assert MARK not in written(gateway)
