"""The same rules match in ModSecurity and here, on thousands of requests; where not, it is known why."""

from __future__ import annotations

import pytest

from tests.absent import installed, present
from tests.waf.conformance import crs
from tests.waf.conformance.engines import libmodsecurity, stockade
from tests.waf.differential.compare import COUNT, SEED, Difference, differences, known


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Difference]:
    present(crs.RULES, "the rules of Debian's package modsecurity-crs")
    present(crs.TESTS, "CRS's regression tests, which stand beside the repository")
    installed("libmodsecurity")
    files = crs.rule_files(tmp_path_factory.mktemp("rules"))
    return list(differences(stockade(files), libmodsecurity(files), SEED, COUNT))


def test_every_difference_is_known(found: list[Difference]) -> None:
    explained = known()
    unknown = [one for one in found if not any(entry.explains(one) for entry in explained)]
    assert [str(one) for one in unknown[:20]] == []


def test_every_entry_explains_something(found: list[Difference]) -> None:
    idle = [entry.reason for entry in known() if not any(entry.explains(one) for one in found)]
    assert idle == []


def test_most_requests_match_something(found: list[Difference]) -> None:
    """The comparison is worth something only where rules match: 980130 tells of every request that scores."""
    assert sum(one.rule == 980130 for one in found) > COUNT / 2
