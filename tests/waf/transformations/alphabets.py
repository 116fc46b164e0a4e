"""What values are made of that try a transformation: the pieces of its own syntax, whole and broken."""

from __future__ import annotations

from random import Random

_BYTES = [bytes([byte]) for byte in range(256)]
_SPACES = [b" ", b"\t", b"\v", b"\f", b"\n", b"\r", b"a", b"\xa0", b"\0", b"\xc2\xa0", b"\x85"]
_URL = [b"%", b"u", b"U", b"+", b"=", b"f", b"F", b"5", b"0", b"e", b"g", b"\n", b"\r", b"_", b"%uff", b"%u00", b"%41"]
_BASE64 = [b"A", b"Z", b"9", b"+", b"/", b"=", b" ", b"\n", b"\r", b"\r\n", b"\0", b"-", b"b", b"YWJj"]
_PATH = [b"/", b".", b"..", b"a", b"bc", b"/../", b"\\", b"//", b"./", b"\\..", b"\\\\"]
_COMMENTS = [b"/*", b"*/", b"<!--", b"-->", b"--", b"#", b"a", b" ", b"-", b">", b"*", b"/", b"<"]
_ESCAPES = [b"\\", b"u", b"x", b"X", b"0", b"3", b"4", b"7", b"8", b"f", b"F", b"5", b"n", b"\n", b"a", b"?", b"\xff"]
_UTF8 = [
    *(b"a", b"\0", b"\x80", b"\xc0", b"\xe0", b"\xf0", b"\xf5", b"\xf8", b"\xff", b"\\", b"\\x", b"\\u", b"\\U"),
    *(b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x8f\xbf\xbf"),
    *(b"\xf4\x80\x80\x80", b"\xf5\x80\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"),
]
_PIECES: dict[str, list[bytes]] = {
    "base64decode": _BASE64,
    "base64decodeext": _BASE64,
    "cmdline": [*_SPACES, b",", b";", b"/", b"(", b"^", b'"', b"'", b"\\", b"A", b"z", b"\xc9"],
    "compresswhitespace": _SPACES,
    "cssdecode": [b"\\", b"a", b"F", b"0", b"f", b"\n", b" ", b"\t", b"g", b"5", b"e", b"\\0", b"\\ff", b"\\00ff"],
    "escapeseqdecode": _ESCAPES,
    "hexdecode": [b"0", b"9", b"a", b"F", b"g", b"G", b" ", b"\xff", b"z"],
    "htmlentitydecode": [
        b"&",
        b"#",
        b"x",
        b"X",
        b";",
        b"quot",
        b"AMP",
        b"lt",
        b"Gt",
        b"nbsp",
        b"1",
        b"2",
        b"9",
        b"a",
        b"_",
    ],
    "jsdecode": [*_ESCAPES, b"\\uff", b"\\u00"],
    "normalisepath": _PATH,
    "normalisepathwin": _PATH,
    "normalizepath": _PATH,
    "normalizepathwin": _PATH,
    "removecomments": _COMMENTS,
    "removecommentschar": _COMMENTS,
    "removewhitespace": _SPACES,
    "replacecomments": _COMMENTS,
    "sqlhexdecode": [b"0", b"x", b"X", b"a", b"F", b"1", b"g", b"0x"],
    "trim": _SPACES,
    "trimleft": _SPACES,
    "trimright": _SPACES,
    "urldecode": _URL,
    "urldecodeuni": _URL,
    "utf8tounicode": _UTF8,
}


def values(name: str, count: int, random: Random) -> list[bytes]:
    """Values for a transformation, none empty: half of them of its own pieces, half of all bytes."""
    alphabets = (_BYTES, _PIECES.get(name, _BYTES))
    return [b"".join(random.choices(alphabets[number % 2], k=random.randint(1, 12))) for number in range(count)]
