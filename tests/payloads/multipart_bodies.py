"""Builds multipart bodies and the files within."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable

from stockade.payloads import BadPayload, Limits, Part, read_multipart

CONTENT_TYPE = "multipart/form-data; boundary=b"


def body_of(*parts: tuple[str, bytes]) -> bytes:
    """Heads without their last line end, and contents."""
    return (
        b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + b"--b--\r\n"
    )


def field(name: str, content: bytes) -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="{name}"', content


def file(name: str, content_type: str, content: bytes) -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="f"; filename="{name}"\r\nContent-Type: {content_type}', content


def read_file(name: str, content_type: str, content: bytes, limits: Limits | None = None) -> Part:
    return read_multipart(body_of(file(name, content_type, content)), CONTENT_TYPE, limits or Limits())[0]


def rules(name: str, content_type: str, content: bytes, limits: Limits | None = None) -> list[str]:
    try:
        read_file(name, content_type, content, limits)
    except BadPayload as error:
        return [fault.rule for fault in error.faults]
    return []


def zipped(entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(entries: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w", style: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=style) as archive:  # type: ignore[call-overload]
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()
