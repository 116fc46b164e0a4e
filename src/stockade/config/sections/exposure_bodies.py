"""What `responses` and `fields` of `exposure:` become: what bodies may hold, and who may see which of their fields."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from stockade.config.base import Secret
from stockade.config.errors import Problem
from stockade.config.sections.exposure_fields import FieldAccess
from stockade.config.site import Site
from stockade.controls.exposure.bodies import Bodies
from stockade.controls.exposure.contract import Contract
from stockade.controls.exposure.fields import FieldRule, Fields
from stockade.openapi.contract import BadContract
from stockade.openapi.declared import Shape
from stockade.openapi.responses import Promises
from stockade.projections import MASK, REMOVE, Action, BadPath, Rule, hasher, parse_path, parse_steps
from stockade.projections.planning import TooLarge


def bodies(site: Site, contract: Contract, fields: dict[str, FieldAccess], hash_key: Secret | None) -> Bodies | None:
    """The control; None where there is nothing for it to do, or it cannot be made, and the site knows why."""
    described = site.description()
    if described is None and contract != "off":
        if site.api.openapi is None:
            site.problem("a response is held to the API's description: name it with `openapi`", "exposure", "responses")
        return None
    document = described.document if described is not None else None
    rules = _rules(site, fields, _schema_names(document), hash_key)
    try:
        promises = Promises.compile(document, strict=True) if document is not None else None
        shapes = list(_shapes(promises)) if promises is not None else []
        plain = Fields(rules, shapes)
        stripping = Fields(rules, shapes, strip=True) if contract == "strip" else None
    except BadContract as error:
        for trouble in error.troubles:
            assert described is not None
            site.problems.append(Problem(*described.where(trouble.pointer), trouble.text))
        return None
    except TooLarge as error:
        site.problem(str(error), "exposure", "fields")
        return None
    if contract != "off":
        _warn_of_partial(site, promises)
    return Bodies(promises, contract, plain, stripping)


def _shapes(promises: Promises) -> Iterable[Shape]:
    for operation in promises.operations:
        for answer in operation.answers.values():
            yield from answer.shapes


def _warn_of_partial(site: Site, promises: Promises | None) -> None:
    described = site.description()
    if promises is None or described is None:
        return
    for trouble in promises.partial:
        file, line = described.where(trouble.pointer)
        site.warn(f"not enforced: {file}:{line}: {trouble.text}", "exposure", "responses")


def _schema_names(document: dict[str, Any] | None) -> dict[str, Any]:
    components = document.get("components") if document is not None else None
    schemas = components.get("schemas") if isinstance(components, dict) else None
    return schemas if isinstance(schemas, dict) else {}


def _rules(
    site: Site, fields: dict[str, FieldAccess], schemas: dict[str, Any], hash_key: Secret | None
) -> list[FieldRule]:
    actions: dict[str, Action] = {"mask": MASK, "remove": REMOVE}
    if any(entry.otherwise == "hash" for entry in fields.values()):
        actions["hash"] = _hash(site, hash_key)
    made = []
    for text, entry in fields.items():
        place = _place(site, text, schemas)
        if place is not None:
            who = (frozenset(entry.scopes), frozenset(entry.roles), frozenset(entry.principals))
            made.append(FieldRule(place, actions[entry.otherwise], *who))
    return made


def _hash(site: Site, secret: Secret | None) -> Action:
    if secret is None:
        site.problem("`else: hash` needs a key, so that nobody can guess and try: set hash_key", "exposure", "fields")
        return MASK
    key = site.secret(secret, "the key of the hash", "exposure", "hash_key")
    try:
        return hasher(key) if key is not None else MASK
    except ValueError as error:
        site.problem(str(error), "exposure", "hash_key")
        return MASK


def _place(site: Site, text: str, schemas: dict[str, Any]) -> Rule | None:
    try:
        if text.startswith("$"):
            return Rule(parse_path(text))
        # The name of a schema may have dots itself: the longest that there is.
        dots = [at for at, char in enumerate(text) if char in ".["]
        name = next((text[:at] for at in reversed(dots) if text[:at] in schemas), None)
        if name is not None:
            return Rule(parse_steps(text[len(name) :]), name)
    except BadPath as error:
        site.problem(str(error), "exposure", "fields", text)
        return None
    site.problem(_unknown(site, text, schemas), "exposure", "fields", text)
    return None


def _unknown(site: Site, text: str, schemas: dict[str, Any]) -> str:
    if "." not in text:
        return f'{text!r} is neither a member of a schema ("User.email") nor a path ("$.items[*].email")'
    if site.api.openapi is None:
        return f"{text!r} names a schema, but there is no description: name it with `openapi`, or write a path ($…)"
    wanted = text.partition(".")[0]
    near = get_close_matches(wanted, schemas, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"the description has no schema {wanted!r}{hint}"
