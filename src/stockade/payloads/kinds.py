"""What a file is, told by its content: the types that APIs take, and those they should not.

The table has the first bytes of each format as its specification gives them. Text is told apart by how it begins.
"""

from __future__ import annotations

import re

ZIP = "application/zip"
GZIP = "application/gzip"
TAR = "application/x-tar"
HTML = "text/html"
SVG = "image/svg+xml"
XML = "application/xml"
JSON = "application/json"
TEXT = "text/plain"
PDF = "application/pdf"
OLE = "application/x-ole-storage"
UNKNOWN = "application/octet-stream"
EXECUTABLE = "application/x-executable"

_HEADS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"\0\0\1\0", "image/x-icon"),
    (0, b"%PDF-", PDF),
    (0, b"PK\3\4", ZIP),
    (0, b"PK\5\6", ZIP),  # an empty one
    (0, b"\x1f\x8b", GZIP),
    (257, b"ustar", TAR),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"{\\rtf", "application/rtf"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "application/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"MZ", EXECUTABLE),
    (0, b"\x7fELF", EXECUTABLE),
    (0, b"\xca\xfe\xba\xbe", EXECUTABLE),
    (0, b"\xfe\xed\xfa\xce", EXECUTABLE),
    (0, b"\xfe\xed\xfa\xcf", EXECUTABLE),
    (0, b"\xce\xfa\xed\xfe", EXECUTABLE),
    (0, b"\xcf\xfa\xed\xfe", EXECUTABLE),
    (0, b"\0asm", EXECUTABLE),
    (0, b"#!", EXECUTABLE),
    (0, b"L\0\0\0\1\x14\2\0", EXECUTABLE),  # a Windows shortcut
)
_RIFF = frozenset(("image/webp", "audio/wav", "video/x-msvideo"))  # these stand within RIFF
_BRANDS = {  # ISO base media: ftyp and the brand
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
}

# How HTML begins, as browsers sniff it (WHATWG MIME Sniffing, section 7.1), after blanks, comments and declarations.
_begins_html = re.compile(
    r"(?:<!doctype html|<(?:html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|img|form|object|embed"
    r"|meta|base|link|input|video|audio)[\s/>])",
    re.IGNORECASE,
).match
_prolog = re.compile(
    r"\s++|<!--.*?-->|<\?[^>]*+>|<!doctype (?!html)[^>\[]*+(?:\[[^\]]*+\])?\s*+>", re.IGNORECASE | re.DOTALL
).match
_root = re.compile(r"<(?:[\w.-]++:)?([A-Za-z_][\w.-]*+)").match
_control = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]").search
_script = re.compile(rb"<\?php|<script[\s/>]", re.IGNORECASE).search

# Declared types that content of a type may have, besides the very same. `text/*` stands for all of it.
_MAY_BE: dict[str, tuple[str, ...]] = {
    TEXT: (
        "text/*",
        "application/yaml",
        "application/x-yaml",
        "application/x-ndjson",
        "application/x-pem-file",
        "application/sql",
        "application/toml",
        "application/x-subrip",
        "application/vnd.ms-excel",  # what browsers on Windows say of CSV
    ),
    XML: ("text/xml", "application/*+xml"),
    GZIP: ("application/x-gzip",),
    ZIP: ("application/x-zip-compressed",),
    TAR: ("application/tar",),
    OLE: (
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.ms-outlook",
    ),
    "image/jpeg": ("image/jpg", "image/pjpeg"),
    "image/x-icon": ("image/vnd.microsoft.icon",),
    "image/heif": ("image/heic", "image/avif"),
    "image/heic": ("image/heif",),
    "image/bmp": ("image/x-ms-bmp",),
    "application/rtf": ("text/rtf",),
    "application/ogg": ("audio/ogg", "video/ogg", "audio/opus"),
    "audio/mpeg": ("audio/mp3",),
    "audio/wav": ("audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "audio/mp4": ("audio/x-m4a", "video/mp4"),
    "video/mp4": ("audio/mp4", "video/x-m4v", "video/3gpp", "video/quicktime"),
    "video/webm": ("audio/webm", "video/x-matroska"),
    "application/zstd": ("application/x-zstd",),
    "application/vnd.rar": ("application/x-rar-compressed",),
}
_WITHIN_ZIP = ("application/vnd.openxmlformats-", "application/vnd.oasis.", "application/epub+zip")
_NOT_TEXT = frozenset(("text/html", "text/xml", "text/rtf"))

_EXTENSIONS = {
    "avif": "image/avif", "bmp": "image/bmp", "csv": TEXT, "gif": "image/gif", "gz": GZIP, "htm": HTML, "html": HTML,
    "ico": "image/x-icon", "jpeg": "image/jpeg", "jpg": "image/jpeg", "json": JSON, "mp3": "audio/mpeg", "pdf": PDF,
    "png": "image/png", "rtf": "application/rtf", "svg": SVG, "tar": TAR, "tgz": GZIP, "tif": "image/tiff",
    "tiff": "image/tiff", "txt": TEXT, "wav": "audio/wav", "webp": "image/webp", "xml": XML, "zip": ZIP,
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation", "epub": "application/epub+zip",
}  # fmt: skip


def kind_of(content: bytes) -> str:
    """The media type the content shows; what lies within a zip is not looked at here. "" for no content."""
    if not content:
        return ""
    for offset, head, kind in _HEADS:
        if content.startswith(head, offset) and (kind not in _RIFF or content.startswith(b"RIFF")):
            return kind
    if content.startswith(b"ftyp", 4):
        return _BRANDS.get(content[8:12], "video/mp4")
    if content.startswith(b"BM") and int.from_bytes(content[2:6], "little") == len(content):
        return "image/bmp"
    return _kind_of_text(content)


def _kind_of_text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return UNKNOWN
    if _control(text):
        return UNKNOWN
    at = 0
    while found := _prolog(text, at):
        at = found.end()
    root = _root(text, at)
    declared = text.startswith("<?xml")  # then browsers, too, take it for XML
    if _begins_html(text, at) and not (declared and root and root[1].lower() != "html"):
        return HTML
    if root and root[1] == "svg":
        return SVG
    if root and (declared or text.rstrip().endswith(">")):
        return XML
    if text.lstrip()[:1] in ("{", "["):
        return JSON
    return TEXT


def may_be(kind: str, declared: str) -> bool:
    """Whether content of that kind is what a declaration promises."""
    if kind == declared:
        return True
    if kind == JSON:  # or a text that begins so
        return (
            declared in ("text/json", "application/problem+json")
            or declared.endswith("+json")
            or may_be(TEXT, declared)
        )
    if kind.startswith(_WITHIN_ZIP) and declared in (ZIP, *_MAY_BE[ZIP]):
        return True
    for pattern in _MAY_BE.get(kind, ()):
        begin, star, end = pattern.partition("*")
        if pattern == declared:
            return True
        if star and declared.startswith(begin) and declared.endswith(end) and declared not in _NOT_TEXT:
            return True
    return False


def suits_extension(kind: str, filename: str) -> bool:
    """False when the name ends like another type than the content has; names that say nothing suit."""
    promised = _EXTENSIONS.get(filename.rpartition(".")[2].lower()) if "." in filename else None
    return promised is None or promised == kind or may_be(kind, promised)


def holds_script(image: bytes) -> bool:
    """Whether bytes that are an image hold what a server or browser would run, were it served as something else."""
    return _script(image) is not None
