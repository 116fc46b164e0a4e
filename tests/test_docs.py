"""The documentation is true: every policy in it builds, every command in it runs, every snippet of code executes."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from stockade.config import build, load_text
from tests.commands import command

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOP = """
type Query { orders(first: Int): [Order!]! users: [User!]! }
type Mutation { pay(order: ID!): Order }
type Order { id: ID! invoice: String lines: [Line!]! }
type Line { sku: String! }
type User { id: ID! email: String }
"""
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="urn:orders"><xs:element name="Place" type="xs:string"/><xs:element name="Cancel" type="xs:int"/>
</xs:schema>"""
WSDL = f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:o="urn:orders" targetNamespace="urn:orders"><types>{XSD}</types>
<message name="In"><part name="body" element="o:Place"/></message>
<portType name="Orders"><operation name="PlaceOrder"><input message="o:In"/></operation></portType>
<binding name="Soap" type="o:Orders"><soap:binding/><operation name="PlaceOrder"><soap:operation soapAction=""/>
<input><soap:body use="literal"/></input></operation></binding></definitions>"""
OPENAPI = """\
openapi: 3.1.0
paths: {/orders: {get: {}}}
components: {schemas: {User: {properties: {email: {type: string}}}}}
"""
MAKE_TARGETS = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def blocks(language: str) -> list[object]:
    return [
        pytest.param(text, id=f"{page.name}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(FENCE.findall(page.read_text()))
        if kind == language
    ]


def test_every_block_is_of_a_kind_that_is_tested():
    kinds = {kind for page in PAGES for kind, _ in FENCE.findall(page.read_text())}
    assert kinds == {"console", "yaml", "python", "cedar", "cases"}


def authorize(folder: Path) -> None:
    """The policies and cases that the page on authorization shows, as files."""
    page = (ROOT / "docs" / "authorization.md").read_text()
    found = {kind: text for kind, text in FENCE.findall(page) if kind in ("cedar", "cases")}
    (folder / "shop.cedar").write_text(found["cedar"])
    (folder / "cases.yaml").write_text(found["cases"])


@pytest.mark.parametrize("text", blocks("yaml"))
def test_policies_build(text, tmp_path):
    authorize(tmp_path)
    (tmp_path / "blocked.txt").write_text("198.51.100.0/24\n")
    issuer = ECKey.generate_key("P-256").as_dict(private=False)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [issuer]}))
    (tmp_path / "shop.graphql").write_text(SHOP)
    (tmp_path / "signing.json").write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}))
    (tmp_path / "database-url").write_text("postgresql://stockade:password@db.internal:5432/stockade")
    (tmp_path / "database-ca.pem").write_text("")  # read when the server is
    (tmp_path / "opening.json").write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}))
    (tmp_path / "fields.key").write_text("0" * 64)
    (tmp_path / "client.secret").write_text("s" * 32)
    (tmp_path / "openapi.yaml").write_text(OPENAPI)
    (tmp_path / "order.json").write_text('{"type": "object"}')
    (tmp_path / "order.xsd").write_text(XSD)
    (tmp_path / "orders.wsdl").write_text(WSDL)
    (tmp_path / "documents.json").write_text('{"orders": "{ orders(first: 5) { id } }"}')
    loaded = load_text(text, tmp_path / "stockade.yaml", {"STOCKADE_HASH_KEY": "0" * 64})
    assert build(loaded).policy.routes


@pytest.mark.parametrize("text", blocks("console"))
def test_commands_run(text, tmp_path):
    commands = re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE)
    assert commands
    (tmp_path / "openapi.yaml").write_text(OPENAPI)
    if "stockade policy" in text or "stockade access" in text:
        authorize(tmp_path)
        page = FENCE.findall((ROOT / "docs" / "authorization.md").read_text())
        policy = next(text for kind, text in page if kind == "yaml" and "cedar:" in text)
        (tmp_path / "stockade.yaml").write_text(policy.replace("apis:", "keys: {hash_key: {file: hash.key}}\napis:"))
        (tmp_path / "hash.key").write_text("0" * 64)
        (tmp_path / "decisions.jsonl").touch()
    for typed, shown in commands:
        words = shlex.split(typed.partition("  #")[0])
        if words[0] == "make":
            assert words[1] in MAKE_TARGETS  # CI runs `make test`; a test of the demo runs what `make demo` does
        elif words[0] == "openssl":
            subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60, check=True)
        else:
            assert words[0] == "stockade"
            printed = run(words, tmp_path)
            assert not shown or printed.split() == shown.split()


def run(words: list[str], folder: Path) -> str:
    """What a command of the documentation prints. `up` is one that must come to listen, and end when told."""
    if not (folder / "stockade.yaml").exists() and words[1] == "explain" and "--policy" not in words:
        run(shlex.split("stockade init --upstream http://127.0.0.1:9000"), folder)
    if words[1] == "up":
        comes_up([sys.executable, "-m", "stockade", *words[1:]], folder)
        return ""
    done = command(words[1:], folder)
    assert done.status == (1 if words[1] in ("explain", "access") else 0), done.err
    return done.out


def comes_up(words: list[str], folder: Path) -> None:
    for policy in folder.glob("*.yaml"):  # the documentation's ports may be taken here
        text = policy.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{free_port()}")
        policy.write_text(text.replace("127.0.0.1:9700", f"127.0.0.1:{free_port()}"))
    with (folder / "up.out").open("w") as output:
        process = subprocess.Popen(words, cwd=folder, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 30
        while "admin on" not in (folder / "up.out").read_text():
            assert process.poll() is None, (folder / "up.out").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("text", blocks("python"))
def test_code_executes(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(shlex.split("stockade init --upstream http://127.0.0.1:9000"), tmp_path)
    exec(compile(text, "documentation", "exec"), {})


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_demo_decides_as_it_should():
    done = subprocess.run(
        [sys.executable, "-m", "stockade", "demo", "--once", "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "38 of 38 requests were decided as they should be." in done.stdout
