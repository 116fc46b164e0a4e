"""A login with name and password, judged: the same work and the same answer whatever of it is wrong.

The one place where our own users are let in: the Basic scheme and `identity.Users` both drive it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple

from msgspec import Struct

from stockade.controls.authentication.guessing import Guess, Guessing, networks_of
from stockade.passwords import Login, Place, User
from stockade.second_factors import Methods
from stockade.vocabulary import Asking, CheckPassword, FindPlace, FindUser, NotePlace, StoreError, UsePasscode

_REMEMBERED = 4096
SecondFactor = Literal["enrolled", "always", "never"]


class Proven(Struct, frozen=True, gc=False):
    """Who it is, how they showed it, and when (epoch seconds)."""

    user: User
    methods: Methods
    auth_time: float


class Denied(Struct, frozen=True, gc=False):
    """reason: for the log. wait: seconds, where there were too many guesses; it says nothing of this one."""

    reason: str
    wait: float = 0.0


class LoginRules(Struct, frozen=True):
    """second_factor: asked of whom has one, of everybody, or of nobody. strong_for: for how long (seconds) one counts
    for the same user at the same address. password_expires: seconds; None: never.
    """

    second_factor: SecondFactor = "enrolled"
    strong_for: float = 600.0
    password_expires: float | None = None


class _Wrong(NamedTuple):
    stamp: int | None  # of the user; None: there was none


class Logins:
    """key: of the keyed digests of places, and of what was shown and is wrong."""

    def __init__(self, key: bytes, guessing: Guessing, rules: LoginRules = LoginRules()) -> None:  # noqa: B008
        self._key = key[:64]
        self._guessing = guessing
        self._rules = rules
        self._wrong: dict[bytes, _Wrong] = {}
        self._under_way: dict[bytes, int] = {}

    def prove(
        self, login: Login, at: float, *, address: str = "", device: str = "", codes: Sequence[str] = ()
    ) -> Asking[Proven | Denied]:
        """device: a text by which the client is known again, where it has one. codes: a one-time passcode, if any."""
        user: User | None = yield FindUser(login.name)
        digest = self._digest(login.name, login.password, *codes)
        wrong = self._wrong.get(digest)
        stamp = user.stamp if user is not None else None
        if wrong is not None and wrong.stamp == stamp:
            return Denied("login-wrong-again")  # who asks the same again learns nothing, and pays nothing
        places = self._places(user, address, device)
        place, known = yield from self._find_place(user, places)
        # With every change of the user, as `stockade users unlock` makes one, the budgets are new.
        account = login.name if stamp is None else f"{login.name}\0{stamp}"
        guess = yield from self._pay(login, account, digest, at, address, place)
        if isinstance(guess, float):
            return Denied("too-many-guesses", guess)
        self._under_way[digest] = self._under_way.get(digest, 0) + 1
        try:
            right = yield CheckPassword(user, login.password, known is not None)
        except StoreError:  # nothing was judged
            yield from self._guessing.right(guess, at)
            raise
        finally:
            self._ended(digest)
        if not right or user is None:
            self._remember(digest, stamp)
            return Denied("login-wrong" if user is not None and user.password else "user-unknown")
        denied = self._refusal(user, at)
        if denied is not None:
            return denied
        strong = yield from self._second(user, known, codes, at)
        if strong is None:
            return Denied("second-factor-wrong" if codes else "second-factor-missing")
        yield from self._guessing.right(guess, at)
        for number, each in enumerate(places):  # a second factor counts where it was shown: on the device, if told
            yield NotePlace(user.id, each, at, at if strong == at and number == 0 else None)
        return Proven(user, Methods.of("password", *(("totp",) if strong else ())), strong or at)

    def good_until(self, proven: Proven, until: float) -> float:
        """Until when what was proven may be remembered: no longer than it would be proven again."""
        if "mfa" in proven.methods.amr:
            until = min(until, proven.auth_time + self._rules.strong_for)
        if self._rules.password_expires is not None:
            until = min(until, proven.user.password_set + self._rules.password_expires)
        return until

    def _places(self, user: User | None, address: str, device: str) -> tuple[bytes, ...]:
        """What the user may be known by: the device, and the address."""
        name = user.id if user is not None else ""
        told = (f"device\0{device}" if device else "", f"address\0{networks_of(address)[0]}" if address else "")
        return tuple(self._digest(name, what) for what in told if what)

    def _find_place(self, user: User | None, places: tuple[bytes, ...]) -> Asking[tuple[bytes, Place | None]]:
        """The first that is known. Asked in any case, for the same work."""
        for place in places:
            known: Place | None = yield FindPlace(user.id if user is not None else "", place)
            if known is not None and user is not None:
                return place, known
        return b"", None

    def _pay(
        self, login: Login, account: str, digest: bytes, at: float, address: str, place: bytes
    ) -> Asking[Guess | float]:
        if digest in self._under_way:  # a client that opens several connections makes one guess
            return Guess()
        return (
            yield from self._guessing.take(at, address=address, account=account, place=place, password=login.password)
        )

    def _refusal(self, user: User, at: float) -> Denied | None:
        refusal = user.refusal(at)
        if refusal is not None:
            return Denied(f"user-{refusal}")
        expires = self._rules.password_expires
        if expires is not None and user.password_set + expires <= at:
            return Denied("password-expired")
        return None

    def _second(self, user: User, known: Place | None, codes: Sequence[str], at: float) -> Asking[float | None]:
        """When (epoch seconds) the second factor was shown; 0: none was needed; None: it was, and it was not."""
        if codes:
            good: bool = yield UsePasscode(user.id, codes[0], at)
            return at if good else None
        if known is not None and known.strong is not None and 0 <= at - known.strong < self._rules.strong_for:
            return known.strong
        wanted = {"never": False, "always": True, "enrolled": bool(user.factors)}[self._rules.second_factor]
        return None if wanted else 0.0

    def _remember(self, digest: bytes, stamp: int | None) -> None:
        if len(self._wrong) >= _REMEMBERED:
            self._wrong.clear()
        self._wrong[digest] = _Wrong(stamp)

    def _ended(self, digest: bytes) -> None:
        left = self._under_way.pop(digest, 1) - 1  # logins in threads may count too few
        if left:
            self._under_way[digest] = left

    def _digest(self, *texts: str) -> bytes:
        told = "\0".join(texts).encode("utf-8", "surrogatepass")
        return blake2b(told, key=self._key, person=b"login", digest_size=32).digest()
