"""RSA keys of a broken generator (ROCA, CVE-2017-15361), known by their modulus alone.

Such primes are k·M + (65537^a mod M), M a product of small primes. So modulo each of these the modulus is a power of
65537, which another key's is for all of them with a chance of about 2^-40.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_GENERATOR: Final = 65537
_LARGEST: Final = 167  # M of the shortest keys has the primes up to it; longer keys have more


def is_roca(modulus: int) -> bool:
    """Whether the modulus bears the mark of that generator: then its factors can be found."""
    return all((powers >> (modulus % prime)) & 1 for prime, powers in _marks())


@lru_cache(maxsize=1)
def _marks() -> tuple[tuple[int, int], ...]:
    """Each prime with the powers of the generator modulo it, as a set of bits."""
    found = []
    for prime in (n for n in range(3, _LARGEST + 1, 2) if all(n % d for d in range(3, n, 2))):
        powers, power = 0, 1
        while not powers >> power & 1:
            powers |= 1 << power
            power = power * _GENERATOR % prime
        found.append((prime, powers))
    return tuple(found)
