"""A token service for the tests of this folder, and a browser before one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import Page, chromium
from tests.identity.service.passkey_site import Site, free_socket, listening_on
from tests.identity.service.token_service import TokenService, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[TokenService]:
    with serving(tmp_path) as service:
        yield service


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def authenticator(page: Page) -> Iterator[str]:
    made = page.add_authenticator()
    yield made
    page.remove_authenticator(made)


@pytest.fixture
def site(page: Page, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The browser stands on a page of the service. A parameter says whether users must show who they are."""
    listening = free_socket()
    verified = getattr(request, "param", True)
    site = Site(tmp_path, listening.getsockname()[1], verified=verified, enrolment=True)
    with listening_on(listening, site.served.app):
        page.go(f"{site.origin}/id/oauth2/device")
        yield site
    site.world.close()
