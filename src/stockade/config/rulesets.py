"""Which rules a WAF runs: Stockade's own, an installed CRS, or the operator's files; compiled once and shared."""

from __future__ import annotations

from functools import lru_cache
from glob import glob
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from stockade.config.crs import find_crs, rule_files
from stockade.waf import RuleSet

_OWN = Path(str(files("stockade") / "rules"))
_ENGINE = _OWN / "engine.conf"

# What a CRS lets pass in general, and must let pass of an API.
_METHODS = "GET HEAD POST OPTIONS PUT PATCH DELETE"
_TYPES = (
    "application/x-www-form-urlencoded multipart/form-data multipart/related text/xml application/xml "
    "application/soap+xml application/json application/problem+json application/merge-patch+json "
    "application/json-patch+json application/vnd.api+json application/hal+json application/ld+json "
    "application/fhir+json application/scim+json application/graphql application/graphql+json "
    "application/x-ndjson application/cloudevents+json application/cloudevents-batch+json "
    "application/csp-report application/reports+json application/octet-stream application/x-protobuf "
    "application/cbor text/plain text/csv image/png image/jpeg image/webp application/pdf"
)


class Chosen(Struct, frozen=True):
    """What the policy says of the rules."""

    source: str | list[Path]
    kind: str
    paranoia: int
    detection_paranoia: int
    inbound_threshold: int
    outbound_threshold: int
    setup: tuple[tuple[str, str], ...]
    body_limit: int


class Found(Struct, frozen=True):
    """The rules, what they are called, and the files that they came from."""

    rules: RuleSet
    title: str
    files: frozenset[Path]


def choose(chosen: Chosen, folder: Path) -> Found:
    """Raises waf.BadRules where a rule is wrong, FileNotFoundError where there is none. `folder`: the policy's."""
    title, paths = _files(chosen.source, folder)
    stamps = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    rules = _compiled(stamps, _variables(chosen), chosen.body_limit)
    return Found(rules, f"{title}, paranoia level {chosen.paranoia}", frozenset(paths))


@lru_cache(maxsize=16)
def _compiled(stamps: tuple[tuple[str, int, int], ...], variables: tuple[tuple[str, str], ...], limit: int) -> RuleSet:
    return RuleSet.load(
        [path for path, _, _ in stamps],
        text=f"SecRequestBodyNoFilesLimit {limit}",
        variables=dict(variables),
    )


def _files(source: str | list[Path], folder: Path) -> tuple[str, list[Path]]:
    if source == "builtin":
        return "builtin rules", [_ENGINE, *(path for path in sorted(_OWN.glob("*.conf")) if path != _ENGINE)]
    if source == "crs":
        base = find_crs()
        if base is None:
            raise FileNotFoundError(
                "no CRS is installed: apt install modsecurity-crs, or `stockade crs install PATH`, or rules: builtin"
            )
        return f"OWASP CRS ({base})", [_ENGINE, *rule_files(base)]
    paths = [Path(found) for pattern in source for found in sorted(glob(str(folder / pattern)))]  # noqa: PTH207
    if not paths:
        raise FileNotFoundError(f"no rule file matches {', '.join(map(str, source))}")
    return f"{len(paths)} rule file(s)", [_ENGINE, *paths]


def _variables(chosen: Chosen) -> tuple[tuple[str, str], ...]:
    """What crs-setup.conf would set. Both the names of CRS 3 and of CRS 4, which do not meet."""
    variables = {
        "crs_setup_version": "400",
        "paranoia_level": str(chosen.paranoia),
        "executing_paranoia_level": str(chosen.detection_paranoia),
        "blocking_paranoia_level": str(chosen.paranoia),
        "detection_paranoia_level": str(chosen.detection_paranoia),
        "inbound_anomaly_score_threshold": str(chosen.inbound_threshold),
        "outbound_anomaly_score_threshold": str(chosen.outbound_threshold),
        "allowed_methods": _METHODS,
        "allowed_request_content_type": " ".join(f"|{kind}|" for kind in _TYPES.split()),
        "allowed_http_versions": "HTTP/1.0 HTTP/1.1 HTTP/2 HTTP/2.0 HTTP/3 HTTP/3.0",
    }
    variables.update(chosen.setup)
    return tuple(sorted(variables.items()))


__all__ = ["Chosen", "Found", "choose"]
