"""The password policy, in the sense of NIST SP 800-63B-4, section 3.1.1.2: long, not guessable, not known to be known.

No rules of composition ("one digit, one symbol") and no expiry by default: the standard forbids both, for they make
passwords worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from stockade.passwords.strength import strength_of
from stockade.passwords.text import MOST_CHARACTERS, BadPassword, normalised

_ADDED = "0123456789!?.-_ "  # what people put beside a name
_SHORTEST_WORD = 4  # characters of a name that a password must not consist of


class Fault(Struct, frozen=True):
    """What is wrong with a password. `rule` is a stable word; `text` tells its owner how to mend it."""

    rule: str
    text: str


class PasswordPolicy(Struct, frozen=True):
    """length, longest: characters. strength: the least score, 0 to 4. history: how many former ones may not return.

    expires: seconds after which it must be changed; None: never.
    """

    length: int = 15
    longest: int = 256
    strength: int = 3
    history: int = 5
    expires: float | None = None

    def faults(
        self,
        password: str,
        *,
        words: Sequence[str] = (),
        breached: Callable[[str], int] | None = None,
        used_before: Callable[[str], bool] | None = None,
    ) -> list[Fault]:
        """All that is wrong with it at once; costly questions are asked only of what passes the others.

        words: the user's name and the like. breached: how often a password was seen. used_before: whether the user
        had it. What they raise is raised.
        """
        try:
            password = normalised(password)
        except BadPassword as error:
            return [Fault("malformed", f"{error}.")]
        found = [*self._sizes(password), *self._guesses(password, words)]
        if not found and used_before is not None and used_before(password):
            found.append(Fault("used-before", "It was used before; take another."))
        if breached is not None and password:
            seen = breached(password)
            if seen:
                found.append(Fault("breached", f"It was seen {seen} times in data that was stolen; take another."))
        return found

    def _sizes(self, password: str) -> list[Fault]:
        if len(password) < self.length:
            return [Fault("too-short", f"It has {len(password)} characters; {self.length} are the least.")]
        if len(password) > min(self.longest, MOST_CHARACTERS):
            return [Fault("too-long", f"It has {len(password)} characters; {self.longest} are the most.")]
        return []

    def _guesses(self, password: str, words: Sequence[str]) -> list[Fault]:
        plain = password.casefold()
        told = [word.casefold() for word in words if len(word) >= _SHORTEST_WORD]
        if any(word in plain and not plain.replace(word, "").strip(_ADDED) for word in told):
            return [Fault("name", "It is little more than the user's name or the service's.")]
        if self.strength:
            judged = strength_of(password, words)
            if judged.score < self.strength:
                why = f" ({judged.warning})" if judged.warning else ""
                return [Fault("guessable", f"It is easy to guess{why}; four or five unrelated words are not.")]
        return []
