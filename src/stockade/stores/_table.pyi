"""Counters in memory that processes share (see table/), each question one step over all threads and processes.

A measure is (interval, burst): nanoseconds per token and tokens; or (limit, start, end): an amount, and its period in
whole epoch seconds. The answers are those of `quotas.take` and `quotas.draw`.
"""

class Table:
    """`sets` of five buckets each, a power of two: a new table, nameless or in the empty file with that descriptor.

    Without `sets` it is the table that the file holds. Processes that are forked share a nameless one. Raises OSError
    when there is no memory, ValueError when the file is not what it must be: a whole table that only its owner, who
    must be us, can open.
    """

    evicted: int  # live buckets that gave way to ours, because their set was full
    size: int  # bytes

    def __new__(cls, file: int = -1, sets: int = 0) -> Table: ...
    def take(
        self, bucket: str, measure: tuple[int, int] | tuple[int, int, int], at: float, cost: int, /
    ) -> tuple[bool, int, int, int]:
        """Allowed, remaining, reset and wait, both nanoseconds from `at`; wait is -1 where waiting does not help.

        Raises ValueError when a number makes no sense, or the clock stands before 1970 or after 2116.
        """

    def take_all(
        self,
        buckets: tuple[str, ...],
        measures: tuple[tuple[int, int] | tuple[int, int, int], ...],
        at: float,
        cost: int,
        /,
    ) -> tuple[int, int, int, int] | None:
        """Take from all of the buckets, which differ, or from none.

        None when all had enough; else place, remaining, reset and wait of the one that makes wait longest.
        """

    def give_all(
        self,
        buckets: tuple[str, ...],
        measures: tuple[tuple[int, int] | tuple[int, int, int], ...],
        at: float,
        cost: int,
        /,
    ) -> tuple[int, int, int, int] | None:
        """Give back what was taken, at most until they are full; the same shape of answer."""
