"""The door: a rule set, loaded once and used for every request.

rules = RuleSet.load(["crs-setup.conf", "rules/*.conf"])
seen = rules.inspect(request)
seen.rules, seen.score, seen.action
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stockade.seclang import Place, Problem, load
from stockade.waf.actions.setvar import number
from stockade.waf.databases import trouble
from stockade.waf.inspection import Inspection
from stockade.waf.persistent import Collections, MemoryCollections
from stockade.waf.program import Program
from stockade.waf.proofs import Proofs
from stockade.waf.reader import read
from stockade.waf.secrecy import Secrecy
from stockade.waf.texts import Kind, texts_of
from stockade.waf.transaction import Transaction
from stockade.waf.values import Collection, Limits, Values
from stockade.wire import Request, Response

_SCORES = ("blocking_inbound_anomaly_score", "inbound_anomaly_score", "anomaly_score")


class BadRules(Exception):
    """Rules that cannot be run. `problems` has them all; the text is one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class RuleSet:
    """Rules, compiled. Thread-safe; `inspect` keeps nothing but what rules put into persistent collections."""

    def __init__(self, program: Program, collections: Collections | None = None) -> None:
        self.program = program
        settings = program.settings
        self._limits = Limits(
            arguments=settings.arguments,
            body=settings.body_limit,
            fields=settings.fields_limit,
            depth=settings.json_depth,
            response_body=settings.response_limit,
        )
        self.collections = collections if collections is not None else MemoryCollections()

    @classmethod
    def load(
        cls,
        paths: Iterable[str | Path] = (),
        *,
        text: str = "",
        variables: Mapping[str, str] | None = None,
        collections: Collections | None = None,
    ) -> RuleSet:
        """Read rule files, in order, then `text`. `variables` are TX variables that stand before the first rule.

        Raises BadRules, with everything that is wrong.
        """
        if wrong := trouble():
            raise BadRules([Problem(Place("hyperscan", 0), wrong)])
        parsed = load(paths, text or None)
        book, problems = read(parsed.statements)
        if parsed.problems or problems:
            raise BadRules((*parsed.problems, *problems))
        beginning = {name.lower(): value.encode() for name, value in (variables or {}).items()}
        return cls(Program(book, beginning, _SCORES), collections)

    def inspect(self, request: Request, response: Response | None = None) -> Inspection:
        """All phases at once: `request.body` is the whole body, and so is `response.body`."""
        transaction = self.begin(request)
        self.judge_head(transaction)
        if transaction.decision == "allow":
            self.judge_body(transaction, request.body)
        if response is not None and transaction.decision == "allow":
            self.judge_response(transaction, response)
            if transaction.decision == "allow":
                self.judge_response_body(transaction, response.body)
        return self.end(transaction)

    # The same, step by step, for whoever gets a message in pieces.

    def begin(
        self, request: Request, *, client: str = "", proofs: Proofs | None = None, secrecy: Secrecy | None = None
    ) -> Transaction:
        """`client`: its address, where it is not the peer's. `proofs`: what is known of its arguments. `secrecy`: what
        matches must not show; None: they show all."""
        settings = self.program.settings
        values = Values(request, self._limits)
        if client:
            values["REMOTE_ADDR"] = values["REMOTE_HOST"] = [(b"", client.encode())]
        transaction = Transaction(values, {}, settings.mode, self.collections, settings.collection_timeout)
        transaction.proofs = proofs
        transaction.secrecy = secrecy
        transaction.reads_body = settings.reads_body
        transaction.reads_response = settings.reads_response
        return transaction

    def judge_head(self, transaction: Transaction) -> None:
        """Phase 1."""
        transaction.gates = self.program.gates.at_head(transaction)
        self.program.run(1, transaction, transaction.gates)

    def judge_body(self, transaction: Transaction, body: bytes, arguments: Collection | None = None) -> None:
        """Phase 2, which runs also where there is no body. `arguments`: those of the body, where somebody knows its
        language better; then it is not looked at otherwise."""
        if arguments is not None:
            transaction.values.take_arguments(arguments)
        elif transaction.reads_body:
            values = transaction.values
            processor = transaction.processor or values.processor
            values.read_body(body, processor)
            if processor == "XML" and not (values.failed or transaction.force_body):
                values["REQUEST_BODY"] = []  # rules see its texts and attributes instead, as in ModSecurity 2
        transaction.gates |= self.program.gates.at_body(transaction)
        self._next_phase(2, transaction)

    def judge_message(self, transaction: Transaction, data: bytes, kind: Kind) -> None:
        """Phase 2 for a message of a stream, in place of a body: rules see the texts in it as arguments."""
        limits = self._limits
        arguments = texts_of(data, kind, depth=limits.depth, most=limits.arguments or len(data))
        self.judge_body(transaction, b"", arguments)

    def judge_response(self, transaction: Transaction, response: Response) -> None:
        """Phase 3."""
        transaction.values.read_response(response, b"")
        if transaction.phase < 2:  # nobody showed the request's body
            transaction.gates |= self.program.gates.at_body(transaction)
        transaction.gates |= self.program.gates.at_response(transaction)
        self._next_phase(3, transaction)

    def judge_response_body(self, transaction: Transaction, body: bytes) -> None:
        """Phase 4."""
        values = transaction.values
        if transaction.reads_response and values.response is not None:
            if not self._inspects(values.response):
                return
            values.read_response(values.response, body)
        transaction.gates |= self.program.gates.at_response_body(transaction)
        self._next_phase(4, transaction)

    def _inspects(self, response: Response) -> bool:
        """Whether SecResponseBodyMimeType names its type; of others ModSecurity skips all of phase 4."""
        first = (response.headers.get("content-type") or "").partition(",")[0]  # of several, which no response may have
        kind = first.partition(";")[0].strip().lower()
        return kind in self.program.settings.response_types

    def end(self, transaction: Transaction) -> Inspection:
        """Phase 5, and what came of it all."""
        decision = transaction.decision
        self._next_phase(5, transaction)
        transaction.decision = decision
        transaction.close()
        tx = transaction.tx
        return Inspection(
            tuple(transaction.rules),
            tuple(transaction.matches),
            _score(tx, _SCORES),
            decision,
            transaction.status,
            transaction.redirect,
            transaction.decided_by,
        )

    def _next_phase(self, phase: int, transaction: Transaction) -> None:
        if transaction.allowed == "phase":
            transaction.allowed = ""
        self.program.run(phase, transaction, transaction.gates)


def _score(tx: Mapping[str, bytes], names: Sequence[str]) -> int:
    """The highest of those that there are: each version of CRS has its own."""
    return max((number(tx[name]) for name in names if name in tx), default=0)
