"""The WAF complains of a secret that looks like an attack, and shows nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.absent import present
from tests.canaries.secret_places import MARK, PLACES, SECRETS, World

CRS = Path("/usr/share/modsecurity-crs/rules")
# Rules that find everything, and whose words hold all that rules can get hold of.
NOSY = r"""
SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/xml" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecAction "id:3,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|REQUEST_HEADERS|REQUEST_URI|REQUEST_URI_RAW|REQUEST_LINE|QUERY_STRING|REQUEST_FILENAME|REQUEST_BASENAME|REQUEST_BODY|FULL_REQUEST|XML:/*|XML://@*|FILES|FILES_NAMES|FILES_TMP_CONTENT|MULTIPART_FILENAME|MULTIPART_NAME|MULTIPART_PART_HEADERS|REMOTE_USER|AUTH_TYPE|MATCHED_VARS "@rx (.*kanari.*)" \
    "id:11,phase:2,pass,log,capture,t:none,t:lowercase,setvar:'tx.copy=%{MATCHED_VAR}',setvar:'ip.kept=%{TX.1}',\
    msg:'%{TX.0} %{MATCHED_VAR}',logdata:'%{TX.1} in %{MATCHED_VAR_NAME}: %{MATCHED_VAR} %{MATCHED_VARS_NAMES}',tag:'%{MATCHED_VAR}'"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_HEADERS|REQUEST_URI|REQUEST_BODY|XML:/*|FILES_TMP_CONTENT|MULTIPART_FILENAME \
    "@rx kanari" "id:12,phase:2,pass,log,t:none,t:urlDecodeUni,t:removeWhitespace,t:sqlHexDecode,multiMatch,logdata:'%{MATCHED_VAR}',chain"
    SecRule MATCHED_VARS "@rx (.{0,40})kanari" "capture,t:none,setvar:'tx.other=%{TX.1}'"
SecRule TX:copy|TX:other|IP:kept "@rx .*" "id:13,phase:2,pass,log,t:none,logdata:'%{MATCHED_VAR} %{TX.copy} %{TX.other} %{IP.kept}'"
SecAction "id:14,phase:5,pass,log,msg:'%{ARGS.password} %{ARGS} %{REQUEST_HEADERS}',logdata:'%{REQUEST_BODY} %{REQUEST_URI} %{REQUEST_COOKIES.anything} %{TX.0} %{REQUEST_HEADERS.x-api-key}'"
"""
AUTHENTICATION = {"mode": "monitor", "any_of": [{"api_key": {"header": "X-Plain"}}]}


@pytest.fixture(scope="module", params=["builtin", "crs", "nosy"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("waf")
    rules = request.param
    if rules == "crs":
        present(CRS, "Debian's package modsecurity-crs")
    if rules == "nosy":
        (folder / "nosy.conf").write_text(NOSY)
        rules = ["nosy.conf"]
    made = World(
        folder, authentication=AUTHENTICATION, waf={"mode": "monitor", "rules": rules, "paranoia": 4, "responses": True}
    )
    yield made
    made.close()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_of_a_secret_is_written(world: World, place: str, secret: str) -> None:
    _, written = world.told(PLACES[place](SECRETS[secret]))
    assert MARK not in re.sub(r"\W|[0-9]", "", written.lower())
