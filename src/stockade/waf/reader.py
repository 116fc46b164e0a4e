"""From the syntax tree to rules that can run: defaults applied, rules removed and changed, every part compiled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from stockade.seclang import Action, Directive, Marker, Place, Problem, Statement, Target, parse_text
from stockade.seclang import Rule as RuleTree
from stockade.waf.actions import parse_ctl, parse_expirevar, parse_initcol, parse_setid, parse_setvar
from stockade.waf.actions.ctl import Selector, by_id
from stockade.waf.macros import Expand, constant, expander, teller
from stockade.waf.operators import OPERATORS, BadArgument
from stockade.waf.rule import Deed, Disruption, Link, Rule
from stockade.waf.settings import Settings, applied
from stockade.waf.targets import Exclusions, fetcher
from stockade.waf.transaction import SEVERITIES
from stockade.waf.transformations import TRANSFORMATIONS

PHASES = (1, 2, 3, 4, 5)
_PHASES = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "request": 2, "response": 4, "logging": 5}
_DISRUPTIVE = ("pass", "deny", "drop", "redirect", "allow", "block")
_REFUSED = {
    "exec": "it would run programs on the gateway",
    "proxy": "Stockade forwards to upstreams of the policy alone",
    "pause": "it would hold up other requests",
}


# Read, for CRS 3 uses it where it is asked to, but off: it would ask the DNS for each request, and wait.
_OFF = frozenset({"rbl"})


class Read(NamedTuple):
    """A rule with the tree that it was made of, which says what it reads."""

    rule: Rule
    tree: RuleTree


class RuleBook(Struct):
    """All rules by phase, in order; `markers` says before which of them a marker stands."""

    settings: Settings
    rules: dict[int, list[Read]]
    markers: dict[int, dict[str, int]]
    signature: str = ""


class RuleFiles:
    """Data files of operators, relative to the rule's own file."""

    def __init__(self, place: Place) -> None:
        self._folder = Path(place.file).parent

    def path(self, name: str) -> Path:
        return self._folder / name

    def lines(self, name: str) -> list[bytes]:
        try:
            return self.path(name).read_bytes().splitlines()
        except OSError as error:
            raise BadArgument(f"{name}: {error.strerror}") from None


def read(statements: Sequence[Statement]) -> tuple[RuleBook, list[Problem]]:
    """Every rule that is good, and what is wrong with the others."""
    reader = _Reader()
    changes = _Changes(statements)
    for statement in statements:
        if isinstance(statement, RuleTree):
            reader.add(changes.apply(statement))
        elif isinstance(statement, Marker):
            reader.mark(statement.name)
        else:
            reader.direct(statement)
    return reader.book, [*changes.problems, *reader.problems]


class _Changes:
    """SecRuleRemove… and SecRuleUpdate…, which hold for all rules, wherever they stand."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.problems: list[Problem] = []
        self._removed: list[Selector] = []
        self._targets: list[tuple[Selector, tuple[Target, ...]]] = []
        self._actions: list[tuple[Selector, int, tuple[Action, ...]]] = []
        for statement in statements:
            if isinstance(statement, Directive) and statement.name.lower().startswith(
                ("secruleremove", "secruleupdate")
            ):
                try:
                    self._note(statement)
                except ValueError as error:
                    self.problems.append(Problem(statement.place, str(error)))

    def _note(self, directive: Directive) -> None:
        name, arguments = directive.name.lower(), directive.arguments
        if name == "secruleremovebyid":
            self._removed += [by_id(part) for text in arguments for part in text.replace(",", " ").split()]
        elif name.startswith("secruleremoveby"):
            self._removed += [_selector(name[15:], text) for text in arguments]
        elif name.startswith("secruleupdatetargetby"):
            self._targets.append((_selector(name[21:], arguments[0]), directive.targets))
        elif name == "secruleupdateactionbyid":
            rule, _, link = arguments[0].partition(":")
            self._actions.append((by_id(rule), int(link or 0), directive.actions))

    def apply(self, rule: RuleTree) -> RuleTree | None:
        """The rule as changed; None when it is removed."""
        tags, message = tuple(rule.all("tag")), "".join(rule.all("msg"))
        if any(selector.matches(rule.id, tags, message) for selector in self._removed):
            return None
        for selector, targets in self._targets:
            if selector.matches(rule.id, tags, message):
                rule = _with_targets(rule, targets)
        for selector, link, actions in self._actions:
            if selector.matches(rule.id, tags, message):
                rule = _with_actions(rule, link, actions)
        return rule


def _selector(kind: str, text: str) -> Selector:
    if kind == "id":
        return by_id(text)
    return Selector(tag=text) if kind == "tag" else Selector(message=text)


def _with_targets(rule: RuleTree, targets: tuple[Target, ...]) -> RuleTree:
    """In ModSecurity v3 an exclusion goes for every link of the chain, an addition for the first."""
    added = tuple(target for target in targets if not target.excluded)
    excluded = tuple(target for target in targets if target.excluded)
    links = tuple(replace(link, targets=(*link.targets, *excluded)) for link in rule.links)
    return replace(rule, targets=(*rule.targets, *added, *excluded), links=links)


_ONE_OF_A_KIND = frozenset(
    {"msg", "logdata", "severity", "status", "rev", "ver", "phase", "maturity", "accuracy", "id"}
)


def _with_actions(rule: RuleTree, link: int, actions: tuple[Action, ...]) -> RuleTree:
    if link:
        links = tuple(
            _with_actions(part, 0, actions) if number == link else part for number, part in enumerate(rule.links, 1)
        )
        return replace(rule, links=links)
    kinds = {_kind(action.name) for action in actions}
    kept = tuple(action for action in rule.actions if _kind(action.name) not in kinds)
    return replace(rule, actions=(*kept, *actions))


def _kind(name: str) -> str:
    """What replaces what: a disruptive action every other; what may stand many times, nothing."""
    if name in _DISRUPTIVE:
        return "disruptive"
    if name in ("log", "nolog"):
        return "log"
    if name in ("auditlog", "noauditlog"):
        return "auditlog"
    return name if name == "t" or name in _ONE_OF_A_KIND else f"{name} (many)"


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.book = RuleBook(Settings(), {phase: [] for phase in PHASES}, {phase: {} for phase in PHASES})
        self._defaults: dict[int, tuple[Action, ...]] = {}

    def mark(self, name: str) -> None:
        for phase in PHASES:
            self.book.markers[phase][name] = len(self.book.rules[phase])

    def direct(self, directive: Directive) -> None:
        name = directive.name.lower()
        if name == "secdefaultaction":
            phases = [action.argument or "" for action in directive.actions if action.name == "phase"]
            self._defaults[_PHASES.get(phases[-1] if phases else "2", 2)] = directive.actions
        elif name == "seccomponentsignature":
            self.book.signature = " ".join(filter(None, [self.book.signature, *directive.arguments]))
        else:
            self.book.settings = applied(self.book.settings, directive)

    def add(self, tree: RuleTree | None) -> None:
        if tree is None:
            return
        try:
            rule = self._rule(tree)
        except ValueError as error:
            self.problems.append(Problem(tree.place, str(error)))
            return
        self.book.rules[rule.phase].append(Read(rule, tree))

    def _rule(self, tree: RuleTree) -> Rule:
        phase = _PHASES.get((tree.all("phase") or ["2"])[-1].lower(), 0)
        if not phase:
            raise ValueError(f"phase:{tree.all('phase')[-1]} is none of 1 to 5, request, response, logging")
        defaults = self._defaults.get(phase, ())
        actions = _Actions((*defaults, *tree.actions))
        links = (tree, *tree.links)
        return Rule(
            tree.id,
            tree.place,
            phase,
            tuple(_link(link, defaults) for link in links),
            disruption=_disruption(defaults, tree.actions),
            status=actions.number("status", 403),
            redirect=expander(parse_text(actions.last("redirect"))) if actions.last("redirect") else None,
            logs=_logs((*defaults, *tree.actions)),
            message=_optional(actions.last("msg")),
            logdata=_optional(actions.last("logdata")),
            severity=_severity(actions.last("severity")),
            version=actions.last("ver"),
            tags=tuple(teller(parse_text(tag)) for tag in actions.all("tag")),
            plain_tags=tuple(actions.all("tag")),
            plain_message=actions.last("msg"),
            skip=actions.number("skip", 0),
            skip_after=actions.last("skipafter"),
        )


class _Actions:
    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions = tuple(actions)
        for action in self._actions:
            if action.name in _REFUSED:
                raise ValueError(f"{action.name} is refused: {_REFUSED[action.name]}")

    def all(self, name: str) -> list[str]:
        return [action.argument or "" for action in self._actions if action.name == name]

    def last(self, name: str) -> str:
        found = self.all(name)
        return found[-1] if found else ""

    def number(self, name: str, default: int) -> int:
        text = self.last(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"{name}:{text} is no number")
        return int(text)


def _optional(text: str) -> Expand | None:
    return teller(parse_text(text)) if text else None


def _severity(text: str) -> str:
    name = SEVERITIES[int(text)] if text in tuple("01234567") else text.upper()
    if name and name not in SEVERITIES:
        raise ValueError(f"severity:{text} is none of {', '.join(SEVERITIES)}, nor 0 to 7")
    return name


def _disruption(defaults: Iterable[Action], actions: Iterable[Action]) -> Disruption:
    """`block` means what the default action says."""
    default = _last_disruptive(defaults) or Action("pass")
    own = _last_disruptive(actions) or default
    if own.name == "block":
        own = default if default.name != "block" else Action("pass")
    if own.name == "allow":
        kinds: dict[str, Disruption] = {"phase": "allow:phase", "request": "allow:request", "": "allow"}
        if (own.argument or "") not in kinds:
            raise ValueError(f"allow:{own.argument} is neither allow, allow:phase nor allow:request")
        return kinds[own.argument or ""]
    found: dict[str, Disruption] = {"pass": "pass", "deny": "deny", "drop": "drop", "redirect": "redirect"}
    return found[own.name]


def _last_disruptive(actions: Iterable[Action]) -> Action | None:
    found = [action for action in actions if action.name in _DISRUPTIVE]
    return found[-1] if found else None


def _logs(actions: Iterable[Action]) -> bool:
    found = [action.name for action in actions if action.name in ("log", "nolog")]
    return not found or found[-1] == "log"


def _link(tree: RuleTree, defaults: Iterable[Action]) -> Link:
    own = _Actions(tree.actions)
    excluded = Exclusions(target for target in tree.targets if target.excluded)
    names = _transformations(tree, defaults)
    link = Link(
        tuple(fetcher(target, excluded) for target in tree.targets if not target.excluded),
        tuple(TRANSFORMATIONS[name].apply for name in names),
        every_step="multimatch" in {action.name for action in tree.actions},
        test=None,
        capture="capture" in {action.name for action in tree.actions},
        setvars=tuple(parse_setvar(text) for text in own.all("setvar")),
        deeds=tuple(_deeds(tree)),
        transformations=tuple(names),
    )
    operator = tree.operator
    if operator is None:
        return link
    if operator.name not in OPERATORS:
        raise ValueError(f"@{operator.name} is no operator")
    make, files = OPERATORS["nomatch" if operator.name in _OFF else operator.name], RuleFiles(tree.place)
    link.negated = operator.negated
    fixed = constant(operator.argument)
    if fixed is not None:
        link.test = make(fixed, files)
    else:
        link.argument = expander(operator.argument)
        link.make = lambda argument: make(argument, files)
        link.__post_init__()
    return link


def _transformations(tree: RuleTree, defaults: Iterable[Action]) -> list[str]:
    """Their names, in order; `t:none` forgets those before it."""
    names: list[str] = []
    for action in (*defaults, *tree.actions):
        if action.name == "t":
            name = (action.argument or "").lower()
            if name == "none":
                names = []
            elif name in TRANSFORMATIONS:
                names.append(name)
            else:
                raise ValueError(f"t:{action.argument} is no transformation")
    return names


def _deeds(tree: RuleTree) -> Iterable[Deed]:
    for action in tree.actions:
        argument = action.argument or ""
        if action.name == "ctl":
            yield parse_ctl(argument)
        elif action.name == "initcol":
            yield parse_initcol(argument)
        elif action.name == "expirevar":
            yield parse_expirevar(argument)
        elif action.name in ("setuid", "setsid", "setrsc"):
            yield parse_setid(action.name, argument)
