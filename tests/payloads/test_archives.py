"""Archives among uploaded files: what may not be in them, and bombs."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.payloads import Limits
from tests.payloads.multipart_bodies import read_file, rules, tarred, zipped


def link(name: str = "a") -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def tar_info(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", **pax: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, to, pax
    return info


def overlapping(count: int) -> bytes:
    """The zip bomb that has every entry of its directory share one kernel of data."""
    data = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = data.compress(b"\0" * 60_000) + data.flush()
    sizes = (zlib.crc32(b"\0" * 60_000), len(packed), 60_000)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 2, 0) + b"00"
    lines = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), 60_000, 2, 0, 0, 0, 0, 0, 0)
        + b"%02d" % index
        for index in range(count)
    )
    start = len(local) + len(packed)
    return local + packed + lines + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(lines), start, 0)


def lying() -> bytes:
    """Both headers say 10 bytes, the data unpack to 60,000."""
    honest = zipped([("a", b"\0" * 60_000)])
    return honest.replace(struct.pack("<L", 60_000), struct.pack("<L", 10))


def nested(depth: int) -> bytes:
    content = b"a"
    for _ in range(depth):
        content = zipped([("a.zip", content)])
    return content


ARCHIVES = {
    "zip-bomb": (zipped([("a", b"\0" * 20_000_000)]), "archive-ratio"),
    "zip-bomb-in-pieces": (zipped([(str(index), b"\0" * 7_000_000) for index in range(12)]), "archive-ratio"),
    "zip-bomb-of-small-entries": (zipped([(str(index), b"\0" * 65_000) for index in range(900)]), "archive-ratio"),
    "zip-many-entries": (zipped([(str(index), b"") for index in range(1_001)]), "archive-entries"),
    "zip-overlapping": (overlapping(50), "archive-overlap"),
    "zip-lying-size": (lying(), "archive"),
    "zip-nested": (nested(2), "archive-depth"),
    "zip-nested-deep": (nested(40), "archive-depth"),
    "zip-nested-stored": (zipped([("a", nested(1))], zipfile.ZIP_STORED), "archive-depth"),
    "zip-gzip-within": (zipped([("a", gzip.compress(b"a", mtime=0))]), "archive-depth"),
    "zip-bzip2-within": (zipped([("a", bz2.compress(b"a"))]), "archive-depth"),
    "zip-tar-within": (zipped([("a", tarred([(tar_info("a"), b"a")]))]), "archive-depth"),
    "zip-parent": (zipped([("../a", b"")]), "archive-path"),
    "zip-parent-within": (zipped([("a/../../b", b"")]), "archive-path"),
    "zip-absolute": (zipped([("/etc/passwd", b"")]), "archive-path"),
    "zip-drive": (zipped([("C:a", b"")]), "archive-path"),
    "zip-backslash": (zipped([("bb", b"")]).replace(b"bb", b"\\a"), "archive-path"),
    "zip-nul": (zipped([("bbb", b"")]).replace(b"bbb", b"a\0b"), "archive-name"),
    "zip-same-name-by-case": (zipped([("a", b""), ("A", b"")]), "archive-name"),
    "zip-link": (zipped([(link(), b"/etc/passwd")]), "archive-link"),
    "zip-encrypted": (zipped([("a", b"a")]).replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1"), "archive-encrypted"),
    "zip-bzip2-method": (zipped([("a", b"a")], zipfile.ZIP_BZIP2), "archive-method"),
    "zip-lzma-method": (zipped([("a", b"a")], zipfile.ZIP_LZMA), "archive-method"),
    "zip-names-differ": (zipped([("aa", b"")]).replace(b"aa", b"bb", 1), "archive"),
    "zip-prefixed": (b"PK\3\4" + b"\0" * 60 + zipped([("a", b"")]), "archive"),
    "zip-followed": (zipped([("a", b"")]) + b"more", "archive"),
    "zip-two-directories": (zipped([("a", b"")]) + zipped([("b", b"")]), "archive"),
    "zip-cut": (zipped([("a", b"a" * 99)])[:-10], "archive"),
    "zip-no-directory": (b"PK\3\4" + b"\0" * 200, "archive"),
    "zip-damaged": (zipped([("a", b"a" * 99)]).replace(b"PK\1\2", b"PK\1\3"), "archive"),
    "gzip-bomb": (gzip.compress(b"\0" * 20_000_000, 1, mtime=0), "archive-ratio"),
    "gzip-bomb-of-members": (gzip.compress(b"", mtime=0) * 2_000, "archive-entries"),
    "gzip-nested": (gzip.compress(gzip.compress(b"a", mtime=0), mtime=0), "archive-depth"),
    "gzip-zip-within": (gzip.compress(nested(1), mtime=0), "archive-depth"),
    "gzip-cut": (gzip.compress(b"hello", mtime=0)[:-4], "archive"),
    "gzip-followed": (gzip.compress(b"hello", mtime=0) + b"\0", "archive"),
    "gzip-damaged": (b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff", "archive"),
    "gzip-tar-parent": (gzip.compress(tarred([(tar_info("../a"), b"a")]), mtime=0), "archive-path"),
    "tar-parent": (tarred([(tar_info("../a"), b"a")]), "archive-path"),
    "tar-absolute": (tarred([(tar_info("/a"), b"a")]), "archive-path"),
    "tar-pax-parent": (tarred([(tar_info("a", path="../b"), b"a")]), "archive-path"),
    "tar-pax-long-parent": (tarred([(tar_info("../" + "b" * 200), b"a")]), "archive-path"),
    "tar-gnu-long-parent": (tarred([(tar_info("../" + "b" * 200), b"a")], style=tarfile.GNU_FORMAT), "archive-path"),
    "tar-link": (tarred([(tar_info("a", tarfile.SYMTYPE, "/etc/passwd"), b"")]), "archive-link"),
    "tar-hard-link": (tarred([(tar_info("a", tarfile.LNKTYPE, "b"), b"")]), "archive-link"),
    "tar-device": (tarred([(tar_info("a", tarfile.CHRTYPE), b"")]), "archive-link"),
    "tar-pipe": (tarred([(tar_info("a", tarfile.FIFOTYPE), b"")]), "archive-link"),
    "tar-nested": (tarred([(tar_info("a"), tarred([(tar_info("b"), b"b")]))]), "archive-depth"),
    "tar-many-entries": (tarred([(tar_info(str(index)), b"") for index in range(1_001)]), "archive-entries"),
    "tar-cut": (tarred([(tar_info("a"), b"a" * 2_000)])[:1_024], "archive"),
    "tar-damaged": (tarred([(tar_info("a"), b"a")]).replace(b"ustar\x0000", b"ustar\x0011", 1), "archive"),
}


ARCHIVE_RULES = {rule for _, rule in ARCHIVES.values()}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archive_that_bites(name):
    content, rule = ARCHIVES[name]
    kind = name.partition("-")[0]
    declared = {"zip": "application/zip", "gzip": "application/gzip", "tar": "application/x-tar"}[kind]
    assert rules(f"a.{kind.replace('gzip', 'gz')}", declared, content) == [rule]


def test_so_many_archives_ran():
    assert len(ARCHIVES) == 51


@pytest.mark.parametrize(
    ("limits", "content", "rule"),
    [
        (Limits(archive_depth=2), nested(2), ""),
        (Limits(archive_depth=0), nested(1), "archive-depth"),
        (Limits(archive_entries=2), zipped([("a", b""), ("b", b"")]), ""),
        (Limits(archive_entries=1), zipped([("a", b""), ("b", b"")]), "archive-entries"),
        (
            Limits(archive_size=200_000, archive_ratio=10_000),
            zipped([("a", b"\0" * 100_000), ("b", b"\0" * 100_000)]),
            "",
        ),
        (
            Limits(archive_size=199_999, archive_ratio=10_000),
            zipped([("a", b"\0" * 100_000), ("b", b"\0" * 100_000)]),
            "archive-size",
        ),
        (Limits(archive_ratio=10_000), zipped([("a", b"\0" * 20_000_000)]), ""),
    ],
)
def test_an_archive_limit_is_exact(limits, content, rule):
    assert rules("a.zip", "application/zip", content, limits) == ([rule] if rule else [])


def test_a_zip_written_to_a_pipe_is_read():
    """Sizes then follow the data."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"a" * 100)
        archive.writestr("b/", b"")
        archive.writestr("ü", b"u")
    assert read_file("a.zip", "application/zip", out.getvalue()).kind == "application/zip"


@settings(max_examples=300)
@given(
    st.sampled_from(
        [zipped([("a", b"a" * 30), ("b", b"b")]), tarred([(tar_info("a" * 120), b"a")]), gzip.compress(b"a", mtime=0)]
    ),
    st.data(),
)
def test_a_damaged_archive_gives_our_error(content, data):
    body = bytearray(content)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    found = rules("a", "application/octet-stream", bytes(body))
    assert len(found) <= 1
    assert ARCHIVE_RULES.issuperset(found) or at < 265, found  # what comes before says what kind of file it is
