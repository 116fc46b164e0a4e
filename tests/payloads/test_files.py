"""Uploaded files: types by content, what bites, pictures and their size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.payloads import Limits
from tests.payloads.multipart_bodies import read_file, rules, tarred, zipped

PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PNG = PNG_START + b"\0\0\0\1\0\0\0\1\x08\2\0\0\0"
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h1"/></svg>'
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_DOCUMENT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("name", "declared", "content", "kind"),
    [
        ("a.png", "image/png", PNG, "image/png"),
        ("a.jpg", "image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        ("a.JPEG", "image/jpg", b"\xff\xd8\xff\xe1", "image/jpeg"),
        ("a.gif", "image/gif", b"GIF89a\1\0", "image/gif"),
        ("a.webp", "image/webp", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        ("a.bmp", "image/bmp", b"BM\x0c\0\0\0\0\0\0\0\0\0", "image/bmp"),
        ("a.tiff", "image/tiff", b"II*\0\x08\0\0\0", "image/tiff"),
        ("a.ico", "image/x-icon", b"\0\0\1\0\1\0", "image/x-icon"),
        ("a.avif", "image/avif", b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
        ("a.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
        ("a.mp4", "video/mp4", b"\0\0\0\x18ftypisom\0\0\2\0", "video/mp4"),
        ("a.m4a", "audio/mp4", b"\0\0\0\x18ftypM4A \0\0\2\0", "audio/mp4"),
        ("a.mov", "video/quicktime", b"\0\0\0\x14ftypqt  \0\0\2\0", "video/quicktime"),
        ("a.webm", "video/webm", b"\x1aE\xdf\xa3\x01", "video/webm"),
        ("a.mp3", "audio/mpeg", b"ID3\4\0", "audio/mpeg"),
        ("a.wav", "audio/wav", b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        ("a.ogg", "audio/ogg", b"OggS\0\2", "application/ogg"),
        ("a.flac", "audio/flac", b"fLaC\0", "audio/flac"),
        ("a.pdf", "application/pdf", PDF, "application/pdf"),
        ("a.rtf", "application/rtf", b"{\\rtf1 a}", "application/rtf"),
        ("a.doc", "application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "application/x-ole-storage"),
        ("a.woff2", "font/woff2", b"wOF2\0\1", "font/woff2"),
        ("a.txt", "text/plain", b"hello\n", "text/plain"),
        ("a.csv", "text/csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n", "text/plain"),
        ("a.csv", "application/vnd.ms-excel", b"a;b\r\n", "text/plain"),
        ("a.md", "text/markdown", b"# a\n", "text/plain"),
        ("a.ics", "text/calendar", b"BEGIN:VCALENDAR\r\n", "text/plain"),
        ("a.yaml", "application/yaml", b"a: 1\n", "text/plain"),
        ("a.json", "application/json", b'{"a":1}', "application/json"),
        ("a.geojson", "application/geo+json", b"[1]", "application/json"),
        ("a.txt", "text/plain", b"[INFO] started", "application/json"),
        ("a.xml", "application/xml", b'<?xml version="1.0"?><a/>', "application/xml"),
        ("a.xml", "text/xml", b"<order/>", "application/xml"),
        ("a.gpx", "application/gpx+xml", b"<gpx/>", "application/xml"),
        ("a.svg", "image/svg+xml", SVG, "image/svg+xml"),
        ("a.svg", "image/svg+xml", b"<?xml version='1.0'?>\n<!-- a -->\n" + SVG, "image/svg+xml"),
        ("a.zip", "application/zip", zipped([("a.txt", b"a"), ("b/c.txt", b"c" * 99)]), "application/zip"),
        ("a.zip", "application/x-zip-compressed", zipped([("a", b"a")], zipfile.ZIP_STORED), "application/zip"),
        ("a.zip", "application/zip", zipped([]), "application/zip"),
        ("a.docx", WORD, zipped([("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<a/>")]), WORD),
        ("a.xlsx", SHEET, zipped([("[Content_Types].xml", b"<a/>"), ("xl/workbook.xml", b"<a/>")]), SHEET),
        ("a.docx", "application/zip", zipped([("word/document.xml", b"<a/>")]), WORD),
        (
            "a.odt",
            TEXT_DOCUMENT,
            zipped([("mimetype", TEXT_DOCUMENT.encode()), ("content.xml", b"<a/>")]),
            TEXT_DOCUMENT,
        ),
        ("a.epub", "application/epub+zip", zipped([("mimetype", b"application/epub+zip")]), "application/epub+zip"),
        ("a.gz", "application/gzip", gzip.compress(b"a", mtime=0), "application/gzip"),
        ("a.gz", "application/x-gzip", gzip.compress(b"a", mtime=0) * 3, "application/gzip"),
        ("a.tgz", "application/gzip", tarred([(tarfile.TarInfo("a"), b"a")], "w:gz"), "application/gzip"),
        ("a.tar", "application/x-tar", tarred([(tarfile.TarInfo("a/b"), b"a")]), "application/x-tar"),
        ("a.png", "application/octet-stream", PNG, "image/png"),
        ("blob", "image/png", PNG, "image/png"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kind_by_content(name, declared, content, kind):
    assert read_file(name, declared, content).kind == kind


@pytest.mark.parametrize(
    ("name", "declared", "content", "rule"),
    [
        ("a.png", "image/png", b"\xff\xd8\xff\xe0", "type-mismatch"),
        ("a.jpg", "image/jpeg", PNG, "type-mismatch"),
        ("a.jpg", "image/png", PNG, "extension-mismatch"),
        ("a.pdf", "application/octet-stream", PNG, "extension-mismatch"),
        ("a.html", "text/plain", b"hello", "extension-mismatch"),
        ("a.svg", "text/plain", b"hello", "extension-mismatch"),
        ("a.svg", "application/xml", b"<x/>", "extension-mismatch"),
        ("a.txt", "text/html", b"hello", "type-mismatch"),
        ("a.txt", "text/plain", b"<html>", "type-mismatch"),
        ("a.txt", "text/plain", b"  <!-- --> <!DOCTYPE html>", "type-mismatch"),
        ("a.xml", "application/xml", SVG, "type-mismatch"),
        ("a.png", "image/png", SVG, "type-mismatch"),
        ("a.zip", "application/zip", PNG, "type-mismatch"),
        ("a.docx", WORD, zipped([("a", b"a")]), "type-mismatch"),
        ("a.docx", WORD, zipped([("xl/workbook.xml", b"a")]), "type-mismatch"),
        ("a.bin", "application/octet-stream", b"\0\1\2", "unknown-type"),
        ("a.txt", "text/plain", b"caf\xe9", "unknown-type"),
        ("a.exe", "application/octet-stream", b"MZ\x90\0", "executable"),
        ("a.jar", "application/octet-stream", zipped([("META-INF/MANIFEST.MF", b"a")]), "executable"),
        ("a.class", "application/octet-stream", b"\xca\xfe\xba\xbe\0", "executable"),
        ("a.wasm", "application/wasm", b"\0asm\1\0\0\0", "executable"),
        ("a.7z", "application/x-7z-compressed", b"7z\xbc\xaf\x27\x1c\0", "opaque-archive"),
        ("a.bz2", "application/x-bzip2", bz2.compress(b"a"), "opaque-archive"),
        ("a.xz", "application/x-xz", lzma.compress(b"a"), "opaque-archive"),
        ("a.html", "text/html", b"<!doctype html><p>", "active-content"),
        ("a.html", "text/html", b"<script>", "active-content"),
        (
            "a.xml",
            "application/xml",
            b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
            "type-mismatch",
        ),
        ("a.xml", "application/xml", b'<a><h:script xmlns:h="http://www.w3.org/1999/xhtml"/></a>', "type-mismatch"),
        ("a.xml", "application/xml", b'<x><h:script xmlns:h="http://www.w3.org/1999/xhtml"/></x>', "active-content"),
        ("a.xml", "application/xml", b'<?xml version="1.0"?><?xml-stylesheet href="a"?><x/>', "active-content"),
        ("a.pdf", "application/pdf", PDF + b"2 0 obj<</S/JavaScript/JS(app.alert(1))>>", "active-content"),
        ("a.pdf", "application/pdf", PDF + b"<</S/J#61vaScript>>", "active-content"),
        ("a.pdf", "application/pdf", PDF + b"<</S/Launch/F(cmd.exe)>>", "active-content"),
        (
            "a.doc",
            "application/msword",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le"),
            "active-content",
        ),
        ("a.docx", WORD, zipped([("word/document.xml", b"a"), ("word/vbaProject.bin", b"a")]), "active-content"),
        ("a.png", "image/png", PNG + b"<?php system($_GET[0]); ?>", "polyglot"),
        ("a.gif", "image/gif", b"GIF89a\1\0\1\0/*<script>alert(1)</script>", "polyglot"),
        ("a.png", "image/png", PNG + zipped([("a", b"a")]), "polyglot"),
        ("a.pdf", "application/pdf", PDF + zipped([("a", b"a")]), "polyglot"),
        ("a.json", "application/json", b'{"a":1', "syntax"),
        ("a.json", "application/json", b'{"a":1,"a":1}', "duplicate-name"),
        ("a.xml", "application/xml", b"<x>", "syntax"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_what_it_says_or_bites(name, declared, content, rule):
    assert rules(name, declared, content)[0] == rule


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<script href="a.js"/>',
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>',
        '<path onload="alert(1)"/>',
        '<path ONCLICK="alert(1)"/>',
        '<a href="javascript:alert(1)"><path/></a>',
        '<a href=" &#9;java&#10;script:alert(1)"><path/></a>',
        '<a xmlns:l="http://www.w3.org/1999/xlink" l:href="javascript:alert(1)"/>',
        '<use href="http://example.invalid/a.svg#b"/>',
        '<image href="file:///etc/passwd"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        '<set attributeName="href" to="javascript:alert(1)"/>',
        '<animate attributeName="xlink:href" values="javascript:alert(1)"/>',
        '<set attributeName="onmouseover" to="alert(1)"/>',
        "<style>@import url(http://example.invalid/a.css);</style>",
        "<style>path{fill:url(http://example.invalid/)}</style>",
        '<path style="fill:url(//example.invalid/)"/>',
        '<path fill="url(http://example.invalid/#a)"/>',
        "<iframe/>",
    ],
)
def test_svg_with_script_is_refused(inner):
    content = f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'.encode()
    assert rules("a.svg", "image/svg+xml", content) == ["active-content"]
    assert rules("a.svg", "image/svg+xml", content, Limits(active_files=True)) == []


@pytest.mark.parametrize(
    "inner",
    [
        "",
        '<defs><linearGradient id="a"/></defs><path fill="url(#a)" d="M0 0"/>',
        '<use href="#a"/>',
        '<image href="data:image/png;base64,iVBORw0KGgo="/>',
        "<style>path{fill:url('#a');stroke:red}</style>",
        '<animate attributeName="opacity" values="0;1"/>',
        "<title>on the script</title>",
        "<!-- <script> -->",
    ],
)
def test_svg_that_only_draws_is_taken(inner):
    assert rules("a.svg", "image/svg+xml", f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'.encode()) == []


PICTURES = {
    "png": ("image/png", PNG_START + b"\0\0\x0f\xa0" + b"\0\0\x0b\xb8\x08\2\0\0\0"),
    "gif": ("image/gif", b"GIF89a\xa0\x0f\xb8\x0b\0\0\0"),
    "bmp": (
        "image/bmp",
        b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0\x28\0\0\0\xa0\x0f\0\0" + struct.pack("<l", -3000) + b"\1\0\x18\0",
    ),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff\xe0\0\4ab\xff\xff\xc2\0\x11\x08\x0b\xb8\x0f\xa0\3" + b"\0" * 9),
    "jpeg-twice": (
        "image/jpeg",
        b"\xff\xd8\xff\xc0\0\x09\x08\0\1\0\1\1\0\xff\xd0\xff\xc0\0\x09\x08\x0b\xb8\x0f\xa0\1\0" + b"\0" * 9,
    ),
    "webp": ("image/webp", b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0\0\0\0\x9d\1\x2a\xa0\x0f\xb8\x0b"),
    "webp-lossless": ("image/webp", b"RIFF\x20\0\0\0WEBPVP8L\x10\0\0\0\x2f" + struct.pack("<L", 3999 | 2999 << 14)),
    "webp-extended": (
        "image/webp",
        b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x9f\x0f\0" + b"\xb7\x0b\0",
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_may_not_have_too_many_pixels(name):
    declared, content = PICTURES[name]
    ending = declared.partition("/")[2]
    assert rules(f"a.{ending}", declared, content, Limits(pixels=4000 * 3000)) == []
    assert rules(f"a.{ending}", declared, content, Limits(pixels=4000 * 3000 - 1)) == ["picture-size"]


@given(st.sampled_from(["png", "gif", "jpeg", "webp"]), st.data())
def test_a_damaged_picture_gives_our_error(name, data):
    declared, content = PICTURES[name]
    kept = data.draw(st.integers(0, len(content)))
    found = rules("a", declared, content[:kept] + data.draw(st.binary(max_size=20)))
    assert len(found) <= 1
    # As long as its first bytes are a picture's, nothing but a picture can be wrong with it, or what follows it.
    assert {"picture-size", "polyglot"}.issuperset(found) or kept < 16, found


def test_svg_with_an_entity_is_refused():
    content = b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&a;</text></svg>'
    assert rules("a.svg", "image/svg+xml", content) == ["active-content"]


@pytest.mark.parametrize(
    ("types", "name", "declared", "content", "taken"),
    [
        (["image/png"], "a.png", "image/png", PNG, True),
        (["image/*"], "a.png", "image/png", PNG, True),
        (["image/jpeg"], "a.png", "image/png", PNG, False),
        (["text/csv"], "a.csv", "text/csv", b"a,b", True),
        (["text/csv"], "a.txt", "text/plain", b"a,b", False),
        (["image/png"], "a.svg", "image/svg+xml", SVG, False),
        (["application/x-bzip2"], "a.bz2", "application/x-bzip2", bz2.compress(b"a"), True),
        (["*/*"], "a.png", "image/png", PNG, True),
    ],
)
def test_types_that_files_may_be_of(types, name, declared, content, taken):
    found = rules(name, declared, content, Limits(file_types=frozenset(types)))
    assert found == ([] if taken else ["file-type"])


@given(
    st.sampled_from(
        [
            b"PK\3\4",
            b"PK\5\6",
            b"\x1f\x8b\x08\0",
            b"<svg ",
            b"<?xml ",
            b"%PDF-",
            b"{",
            b"RIFF",
            b"\0" * 257 + b"ustar\0" + b"00",
        ]
    ),
    st.binary(max_size=300),
)
def test_garbage_in_a_file_gives_our_error(start, rest):
    rules("a", "application/octet-stream", start + rest)
