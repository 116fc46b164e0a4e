"""Gateways and upstreams for the tests of the doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway.certificates import Authority
from tests.gateway.harness import Gateway, Policy, api, free_port, policy, running
from tests.gateway.upstreams import Behaviour, Upstream, echo, upstream

Start = Callable[..., Gateway]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways, which end with the test: `start(policy, options=(…))`."""
    with ExitStack() as stack:

        def begin(policy: Policy, **fields: object) -> Gateway:
            return stack.enter_context(running(Gateway(tmp_path, policy, **fields)))  # type: ignore[arg-type]

        yield begin


@pytest.fixture
def serve() -> Iterator[Callable[..., Upstream]]:
    """Starts upstreams, which end with the test: `serve(behave)`."""
    with ExitStack() as stack:

        def begin(behave: Behaviour = echo, **fields: object) -> Upstream:
            return stack.enter_context(upstream(free_port(), behave, **fields))  # type: ignore[arg-type]

        yield begin


@pytest.fixture(scope="module")
def echoing() -> Iterator[Upstream]:
    """An upstream that answers with what it saw."""
    with upstream(free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, echoing: Upstream) -> Iterator[Gateway]:
    """A gateway without any credential or limit, before an upstream that tells what it saw."""
    with running(Gateway(tmp_path_factory.mktemp("plain"), policy(api(echoing.port)))) as gateway:
        yield gateway
