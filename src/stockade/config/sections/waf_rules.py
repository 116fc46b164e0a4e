"""The WAF that a `waf:` section asks for: its rules, and what they shall not look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stockade.config.carriers import secret_fields
from stockade.config.rulesets import Chosen, choose
from stockade.config.sections.schema import SchemaSection
from stockade.config.site import Site
from stockade.controls.waf import Exclusion, ResponseWaf, StreamWaf, Waf
from stockade.engine import Binding
from stockade.operations import OperationTable
from stockade.seclang import BadSyntax, parse_targets
from stockade.vocabulary import Control
from stockade.waf import BadRules, Exclusions, RuleSet, Secrecy, Selector

if TYPE_CHECKING:
    from stockade.config.sections.waf import ExclusionSection, WafSection


def make_with(site: Site, section: WafSection) -> list[Binding]:
    chosen = Chosen(
        source=section.rules,
        kind=site.api.kind,
        paranoia=section.paranoia,
        detection_paranoia=section.detection_paranoia or section.paranoia,
        inbound_threshold=section.inbound_threshold,
        outbound_threshold=section.outbound_threshold,
        setup=tuple(sorted((name.lower(), str(value)) for name, value in section.setup.items())),
        body_limit=section.body_limit,
    )
    try:
        found = choose(chosen, site.folder)
        closer = _closer(site, section, chosen)
    except BadRules as error:
        for problem in error.problems:
            site.problem(str(problem), "waf", "rules")
        return []
    except OSError as error:
        site.problem(str(error), "waf", "rules")
        return []
    site.watched.update(found.files)
    exclusions = [_exclusion(site, index, part) for index, part in enumerate(section.exclusions)]
    secrecy = Secrecy(secret_fields(site))
    kind = ResponseWaf if section.responses else Waf
    control = kind(
        found.rules,
        title=found.title + (f", {section.undescribed_paranoia} for undescribed arguments" if closer else ""),
        body_limit=section.body_limit,
        exclusions=[part for part in exclusions if part is not None],
        closer=closer,
        believes=isinstance(section.rules, str),  # own rules may look for anything
        secrecy=secrecy,
    )
    controls: list[Control] = [control]
    if section.streams:
        shown = [part for part in exclusions if part is not None]
        controls.append(StreamWaf(found.rules, limit=section.body_limit, exclusions=shown, secrecy=secrecy))
    return [site.bind(each, section, "waf") for each in controls]


def _closer(site: Site, section: WafSection, chosen: Chosen) -> RuleSet | None:
    """The rules for what nobody describes; None where all is described, nothing is, or they are no others."""
    contract = site.api.schema_ or SchemaSection()
    described = site.api.openapi is not None and contract.mode != "off" and not contract.strict
    level = section.undescribed_paranoia
    if not described or level <= section.paranoia:
        return None
    return choose(replace(chosen, paranoia=level, detection_paranoia=level), site.folder).rules


_RANGE = re.compile(r"\s*([0-9]+)\s*-\s*([0-9]+)\s*\Z")


def _exclusion(site: Site, index: int, section: ExclusionSection) -> Exclusion | None:
    selectors = [Selector(tag=tag) for tag in section.tags]
    for number, rule in enumerate(section.rules):
        found = _RANGE.match(rule) if isinstance(rule, str) and "-" in rule else None
        if found is not None:
            selectors.append(Selector(int(found[1]), int(found[2])))
        elif str(rule).isascii() and str(rule).isdigit():
            selectors.append(Selector(int(rule), int(rule)))
        else:
            site.problem(f"{rule!r} is no rule id and no range of ids", "waf", "exclusions", index, "rules", number)
    if not selectors and not section.rules:
        site.problem("an exclusion needs rules or tags", "waf", "exclusions", index)
    targets = [_target(site, index, number, text) for number, text in enumerate(section.targets)]
    if not selectors or None in targets:
        return None
    parsed = [target for text in targets if text is not None for target in parse_targets(text)]
    return Exclusion(
        tuple(selectors),
        Exclusions(parsed) if parsed else None,
        OperationTable(section.operations) if section.operations else None,
    )


def _target(site: Site, index: int, number: int, text: str) -> str | None:
    written = json_path(text) if text.startswith("$") else text
    try:
        parse_targets(written)
    except BadSyntax as error:
        site.problem(f"{text!r}: {error}", "waf", "exclusions", index, "targets", number)
        return None
    return written


def json_path(path: str) -> str:
    """A JSON path (RFC 9535: names, indexes, wildcards) as the argument that holds what is there.

    >>> json_path("$.items[*].note")
    'ARGS:/^json\\\\.items\\\\.array_[0-9]+\\\\.note$/'
    """
    parts = re.findall(r"\.([^.\[\]]+)|\[\s*(?:'([^']*)'|\"([^\"]*)\"|([0-9]+|\*))\s*\]", path[1:])
    names = ["json"]
    for dotted, single, double, place in parts:
        name = dotted or single or double
        if place:
            names.append("array_[0-9]+" if place == "*" else f"array_{place}")
        else:
            names.append("[^.]+" if name == "*" else re.escape(name))
    joined = r"\.".join(names)
    return f"ARGS:/^{joined}$/"
