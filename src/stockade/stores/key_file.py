"""Key-encryption keys in a file: one a line, the first wraps, those under it still open what they once wrapped."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stockade.envelopes import BadKey, KeyRing, parse_key
from stockade.vocabulary import StoreError

_MOST = 64 << 10  # bytes of the file


class KeyFile:
    """A `Ring` that notices when its file changes, so that a new key needs no restart. Raises StoreError.

    While the file is gone, what is sealed cannot be opened: it is not remembered beyond its own life.
    """

    reuse = 1

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, ...], KeyRing] | None = None

    @property
    def current(self) -> str:
        return self._ring().current

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        return self._ring().wrap(data_key)

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        return self._ring().unwrap(key_id, wrapped)

    def _ring(self) -> KeyRing:
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                mark = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
                if self._read is None or self._read[0] != mark:
                    self._read = mark, KeyRing.of(*_keys(file.read(_MOST + 1)))
        except OSError as error:
            raise StoreError(f"{self.path}: the key of secrets cannot be read: {error.strerror}") from None
        except BadKey as error:
            raise StoreError(f"{self.path}: {error}") from None
        return self._read[1]

    def rotate(self) -> str:
        """A new key above the others; its id. Those that were there stay, for what they wrapped and for backups."""
        with self._alone():
            self._ring()  # a file that is no key file is not made one
            _write(self.path, secrets.token_hex(32).encode() + b"\n" + self.path.read_bytes())
        return self.current

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            file = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
            finally:
                os.close(file)
        except OSError as error:
            raise StoreError(f"{self.path}: no new key can be written: {error.strerror}") from None


def _keys(data: bytes) -> list[bytes]:
    """Empty lines and those that begin with # are nobody's key."""
    if len(data) > _MOST:
        raise BadKey(f"a file of keys has {_MOST} bytes at most")
    try:
        lines = [line.strip() for line in data.decode().splitlines()]
    except UnicodeDecodeError:
        raise BadKey("a file of keys is a text, one key in each line") from None
    keys = [parse_key(line) for line in lines if line and not line.startswith("#")]
    if not keys:
        raise BadKey("there is no key in it (`openssl rand -hex 32` makes one)")
    return keys


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, as its owner's and nobody else's."""
    stat = path.stat()
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if os.geteuid() == 0:
            os.chown(name, stat.st_uid, stat.st_gid)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
