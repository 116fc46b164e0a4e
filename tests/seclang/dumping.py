"""Statements as text, for golden files: one line per rule, link, action and directive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockade.seclang import Action, Directive, Macro, Marker, Operator, Parsed, Rule, Statement, Target, Text


def dump(parsed: Parsed) -> str:
    """The problems when there are any, or else the statements."""
    lines = [str(problem) for problem in parsed.problems] or [
        line for statement in parsed.statements for line in _statement(statement)
    ]
    return "".join(f"{line}\n" for line in lines)


def _statement(statement: Statement) -> Iterator[str]:
    if isinstance(statement, Rule):
        yield from _rule(statement, "")
    elif isinstance(statement, Marker):
        yield f"{statement.place.line} marker {statement.name!r}"
    else:
        yield from _directive(statement)


def _rule(rule: Rule, indent: str) -> Iterator[str]:
    yield f"{rule.place.line} {indent}rule {rule.id} {_targets(rule.targets)} {_operator(rule.operator)}".rstrip()
    yield from _actions(rule.actions, indent)
    for link in rule.links:
        yield from _rule(link, f"{indent}    ")


def _directive(directive: Directive) -> Iterator[str]:
    parts = [directive.name, *map(repr, directive.arguments), _targets(directive.targets)]
    yield f"{directive.place.line} {' '.join(parts)}".rstrip()
    yield from _actions(directive.actions, "")


def _actions(actions: Iterable[Action], indent: str) -> Iterator[str]:
    for action in actions:
        argument = "" if action.argument is None else f" {action.argument!r}"
        yield f"    {indent}{action.name}{argument}"


def _targets(targets: Iterable[Target]) -> str:
    return " ".join(map(_target, targets))


def _target(target: Target) -> str:
    mark = "!" * target.excluded + "&" * target.counted
    key = f"[{target.key!r}]" if target.key is not None else ""
    return f"{mark}{target.collection}{key}" + (f"[/{target.pattern}/]" if target.pattern is not None else "")


def _operator(operator: Operator | None) -> str:
    return f"{'!' * operator.negated}@{operator.name} {_text(operator.argument)}".rstrip() if operator else ""


def _text(text: Text) -> str:
    return " ".join(f"%{part.collection}.{part.key}" if isinstance(part, Macro) else repr(part) for part in text)
