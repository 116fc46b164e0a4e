"""The quick judge of JSON, in C (see native/)."""

def is_sound(body: bytes, limits: bytes, /) -> bool:
    """Whether the body is JSON that every parser reads alike (RFC 8259, RFC 7493), within limits.

    limits: depth, members, items, and the lengths of a name, a string and a number in characters, and the largest
    magnitude of an integer; each a native unsigned 64-bit number. Never true of a body that is not sound; false now and
    then of one that is. Time is linear in the body, memory in its names.
    """
