"""Who was handed what, in memory that processes share (see native/): any buffer, so that a file keeps it.

Texts are known by their keyed digests alone (SipHash, 64 bits), so that nobody can choose an id that falls on
another's. Times are epoch seconds, kept as hours. `keep`: seconds that an edge lasts since the last handing.
"""

from mmap import mmap

class Edges:
    """With a key of 16 bytes a new table, in memory of zeros; else the one that is there.

    passive: questions change nothing. Raises ValueError when the memory holds no table; every method when it is closed
    or a number makes no sense. Readers never wait; writers do, for one another.
    """

    key: bytes
    used: int  # entries, of which an object takes one, and each owner of it but the first
    evicted: int  # live entries that gave way
    room: int  # for entries

    def __new__(cls, memory: mmap | bytearray | memoryview, key: bytes = ..., passive: bool = ...) -> Edges: ...
    def find(
        self, kind: str, ids: tuple[str, ...], names: tuple[str, ...], at: float, keep: float, /
    ) -> tuple[int, ...]:
        """Of each id: -1 it is one of the names', 0 it is not known, else to how many others it was given.

        It is noted, once each, that the first name has used what is its own, and what is another's.
        """

    def hold(self, kind: str, id_: str, name: str, at: float, keep: float, exclusive: bool, /) -> int:
        """It is (also) the name's: 1 that is new, 0 it was. exclusive: -1, and nothing, where it is another's."""

    def move(self, kind: str, id_: str, name: str, at: float, keep: float, /) -> None:
        """It is the name's alone."""

    def drop(self, kind: str, id_: str, name: str, /) -> bool:
        """It is no longer the name's; whether it was."""

    def forget(self, kind: str, id_: str, /) -> bool:
        """It is nobody's; whether it was anybody's."""

    def last(self, kind: str, id_: str, name: str, /) -> int:
        """The hour in which it was last handed to the name, in epoch seconds; 0: it was not."""

    def note_first(self, kind: str, at: float, /) -> None:
        """Learning of that kind has begun, if it had not."""

    def learned(self, kind: str, /) -> tuple[int, int, int]:
        """Since when (0: nothing yet), and how many principals used what is theirs, and what is another's."""

    def adopt(self, other: Edges, at: float, /) -> None:
        """Be a copy of another with the same key, less what is forgotten. For a table that is new."""

    def close(self) -> None:
        """Give the memory back."""

def size_of(sets: int, /) -> int:
    """Bytes of a table of that many sets, of five entries each."""
