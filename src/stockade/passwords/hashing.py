"""argon2id (RFC 9106): how passwords are kept, and checked in the same time whether or not there is anybody."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SALT_BYTES: Final = 16
_MOST_MEMORY = 1 << 20  # KiB that a stored hash may ask for
_MOST_WORK = 1 << 24  # KiB times passes
_NO_SALT = b"nobody's salt...."


class BadHash(ValueError):
    """A stored text that is no argon2id hash, or one that asks for more than any of ours does."""


class Argon2(Struct, frozen=True, dict=True):
    """The parameters. memory: KiB. The defaults are those of OWASP's Password Storage Cheat Sheet."""

    memory: int = 19_456
    passes: int = 2
    lanes: int = 1

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(self.passes, self.memory, self.lanes)

    def hash(self, password: str, salt: bytes) -> str:
        """The text to keep. salt: 16 random bytes, for this password alone."""
        return self._hasher.hash(password.encode(), salt=salt)

    def matches(self, encoded: str, password: str) -> bool:
        """Whether it is the password of that text. Raises BadHash."""
        from argon2.exceptions import InvalidHash, VerificationError, VerifyMismatchError

        _check(encoded)
        try:
            return self._hasher.verify(encoded, password.encode())
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHash):
            raise BadHash("a stored password cannot be read") from None

    def outdated(self, encoded: str) -> bool:
        """Whether it was made with other parameters than these."""
        return self._hasher.check_needs_rehash(encoded)

    def waste(self, password: str) -> None:
        """The work of `matches`, for somebody who is not there."""
        self.matches(self._nobody, password)

    @cached_property
    def _nobody(self) -> str:
        return self.hash("", _NO_SALT[:SALT_BYTES])


def _check(encoded: str) -> None:
    from argon2 import Type, extract_parameters
    from argon2.exceptions import InvalidHash

    try:
        found = extract_parameters(encoded)
    except (InvalidHash, ValueError):
        raise BadHash("a stored password cannot be read") from None
    if (
        found.type is not Type.ID
        or found.memory_cost > _MOST_MEMORY
        or found.memory_cost * found.time_cost > _MOST_WORK
    ):
        raise BadHash("a stored password asks for more work than any of ours")
