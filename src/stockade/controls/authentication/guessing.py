"""Guessing is slow: budgets of wrong guesses per account, per address and per password, with back-off that has an end.

A guess is paid for before it is judged, so that a thousand at once are not a thousand free ones, and given back when
it was right. Nobody can lock an owner out for ever:

- back-off grows eightfold from step to step, up to `longest`, and no further;
- where the user has logged in before (an address, a device) has a budget of its own, which strangers cannot spend.
"""

from __future__ import annotations

from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from msgspec import Struct

from stockade.vocabulary import Asking, GiveBack, Pace, TakeAll

_GROWTH = 8  # of the wait, from step to step
_STEPS = 4
_SECOND = 1_000_000_000
_DAILY, _DAILY_WAIT = 100, 12  # NIST SP 800-63B-4, section 3.2.2: 100 failures; then a wait of `longest` twelve times


class Lockout(Struct, frozen=True):
    """How many wrong guesses are free, and how long (seconds) one takes at last.

    account: on one account by strangers, and again by each place that the account knows. address: from one address
    (of IPv6, a /64). password: of one password on whatever accounts, which is how passwords are sprayed.
    """

    account: int = 5
    longest: float = 900.0
    address: int = 30
    address_longest: float = 30.0
    password: int = 10


class Guess(Struct, frozen=True, gc=False):
    """What was paid for one."""

    buckets: tuple[str, ...] = ()
    measures: tuple[Pace, ...] = ()


class Guessing:
    """The budgets. key: of the keyed digests under which accounts and passwords are counted."""

    def __init__(self, key: bytes, lockout: Lockout) -> None:
        self._key = key[:64]
        self._account = steps(lockout.account, lockout.longest)
        self._strangers = (*self._account, _pace(lockout.longest * _DAILY_WAIT, _DAILY))
        self._address = steps(lockout.address, lockout.address_longest, 2)
        self._wide = steps(4 * lockout.address, lockout.address_longest / 4, 2)
        self._password = steps(lockout.password, lockout.longest)

    def take(
        self, at: float, *, address: str = "", account: str = "", place: bytes = b"", password: str = ""
    ) -> Asking[Guess | float]:
        """Pay for a guess, or the seconds until one can be paid for. What is empty is not counted.

        place: where the account has logged in before, when it has: its own budget counts then, and no other.
        """
        if place:
            charged = _named(f"guess:place:{self._digest(account, place.hex())}", self._account)
        else:
            charged = self._for_address(address) if address else []
            if account:
                charged += _named(f"guess:account:{self._digest(account)}", self._strangers)
            if password:
                charged += _named(f"guess:password:{self._digest('', password)}", self._password)
        buckets, measures = tuple(name for name, _ in charged), tuple(pace for _, pace in charged)
        refused = yield TakeAll(buckets, measures, at)
        return Guess(buckets, measures) if refused is None else max(refused[1].retry_after, 1.0)

    def right(self, guess: Guess, at: float) -> Asking[None]:
        """It was none: it costs nothing."""
        if guess.buckets:
            yield GiveBack(guess.buckets, guess.measures, at)

    def _for_address(self, address: str) -> list[tuple[str, Pace]]:
        near, wide = networks_of(address)
        return [
            *_named(f"guess:address:{near}", self._address),
            *(_named(f"guess:network:{wide}", self._wide) if wide else []),
        ]

    def _digest(self, *texts: str) -> str:
        told = "\0".join(texts).encode("utf-8", "surrogatepass")
        return blake2b(told, key=self._key, person=b"guess", digest_size=16).hexdigest()


def steps(free: int, longest: float, count: int = _STEPS) -> tuple[Pace, ...]:
    """Back-off as buckets that must all allow: `free` guesses at once, and half as many more at every step.

    >>> [(pace.interval / 1e9, pace.burst) for pace in steps(5, 900.0)]
    [(1.7578125, 5), (14.0625, 8), (112.5, 10), (900.0, 13)]
    """
    return tuple(_pace(longest / _GROWTH ** (count - 1 - step), free + (free * step + 1) // 2) for step in range(count))


def networks_of(address: str) -> tuple[str, str]:
    """What of an address one caller has: an IPv4 address, an IPv6 /64; and for IPv6 the /48 around it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address, ""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped), ""
        return tuple(str(ip_network((int(parsed), bits), strict=False)) for bits in (64, 48))  # type: ignore[return-value]
    return str(parsed), ""


def _pace(interval: float, burst: int) -> Pace:
    return Pace(int(interval * _SECOND), burst)


def _named(name: str, paces: tuple[Pace, ...]) -> list[tuple[str, Pace]]:
    return [(f"{name}:{step}", pace) for step, pace in enumerate(paces)]
