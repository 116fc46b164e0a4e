"""The rules that are to be tested, loaded so that they only detect."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

from stockade.cli.waf_report import fail
from stockade.config.crs import find_crs
from stockade.waf import BadRules, RuleSet
from stockade.waf.ftw import ENGINE, Inspect, observed, tuning

_DEBIAN_SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")
_DETECT = "SecRuleEngine DetectionOnly"  # the last word, whatever the files say


def inspector(rules: list[str], setup: Path | None, paranoia: int) -> Inspect:
    """`rules`: globs, "crs", "builtin". Leaves with status 2 where they cannot be loaded."""
    with tempfile.TemporaryDirectory() as folder:
        before, between = Path(folder) / "engine.conf", Path(folder) / "tuning.conf"
        before.write_text(ENGINE)
        between.write_text(tuning(paranoia))
        paths = [before, *_setup(rules, setup), between, *(path for name in rules for path in _files(name))]
        try:
            loaded = RuleSet.load(paths, text=_DETECT)
        except BadRules as error:
            fail(map(str, error.problems))
    return lambda request, response: observed(loaded.inspect(request, response), response)


def _setup(rules: list[str], setup: Path | None) -> list[Path]:
    """The setup that was named, or the one that came with the CRS."""
    if setup is not None:
        return [setup]
    folder = find_crs() if "crs" in rules else None
    if folder is None:
        return []
    places = (folder.parent / "crs-setup.conf", folder.parent / "crs-setup.conf.example", _DEBIAN_SETUP)
    return [place for place in places if place.is_file()][:1]


def _files(name: str) -> list[Path]:
    if name == "crs":
        folder = find_crs()
        if folder is None:
            fail(["no CRS is installed: apt install modsecurity-crs, or name its files with --rules"])
        found = folder.glob("*.conf")
    elif name == "builtin":
        found = Path(str(files("stockade") / "rules")).glob("*.conf")
    else:
        root = Path(name).anchor
        found = Path(root or ".").glob(name.removeprefix(root))
    return sorted(found) or fail([f"no rule file matches {name}"])
