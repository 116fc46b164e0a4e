"""The OWASP Core Rule Set: where an installed one lies, and how one is installed."""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct

_DEBIAN = Path("/usr/share/modsecurity-crs/rules")
_FIRST = "REQUEST-901-*.conf"
_WANTED = (".conf", ".data")
_LARGEST, _MOST = 16 << 20, 2000  # bytes of a file, files
_VERSION = re.compile(r"ver:'(OWASP_CRS/[0-9.a-z-]+)'")


class BadCrs(Exception):
    """What was to be installed is no CRS, or one whose rules cannot be run."""


class Crs(Struct, frozen=True):
    folder: Path
    title: str  # "OWASP_CRS/4.28.0"
    rules: int


def home() -> Path:
    """Where `stockade crs install` puts it."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "stockade" / "crs"


def find_crs() -> Path | None:
    """The folder of the rules: what was installed by hand before what the system has."""
    return next((path for path in (home() / "rules", _DEBIAN) if any(path.glob(_FIRST))), None)


def rule_files(folder: Path) -> list[Path]:
    """Rules with the plugins around them, in the order that CRS's manual gives."""
    plugins = folder.parent / "plugins"
    return [
        *sorted(plugins.glob("*-config.conf")),
        *sorted(plugins.glob("*-before.conf")),
        *sorted(folder.glob("*.conf")),
        *sorted(plugins.glob("*-after.conf")),
    ]


def describe(folder: Path) -> Crs:
    """Raises waf.BadRules where a rule cannot be run."""
    from stockade.waf import RuleSet

    rules = RuleSet.load(rule_files(folder))
    found = next(
        (match[1] for path in rule_files(folder) if (match := _VERSION.search(path.read_text("utf-8", "replace")))),
        "OWASP_CRS",
    )
    return Crs(folder, found, len(rules.program))


def install_crs(source: Path) -> Crs:
    """Raises BadCrs, with all that is wrong. What was installed before is replaced as a whole, or not at all."""
    from stockade.waf import BadRules

    target = home()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / "crs"
        _unpack(source, fresh)
        if not any((fresh / "rules").glob(_FIRST)):
            raise BadCrs(f"{source} holds no rules/{_FIRST}: it is no release of the Core Rule Set")
        try:
            found = describe(fresh / "rules")
        except BadRules as error:
            raise BadCrs(f"{source} has rules that cannot be run:\n{error}") from None
        old = Path(folder) / "old"
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    return Crs(target / "rules", found.title, found.rules)


def _unpack(source: Path, target: Path) -> None:
    """Rules, data and plugins; nothing else of the archive is written, and nothing outside of `target`."""
    try:
        for count, (name, content) in enumerate(_files(source)):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if count >= _MOST:
                raise BadCrs(f"{source} has more than {_MOST} rule files")
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise BadCrs(f"{source} cannot be read: {error}") from None


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Each file that belongs to a CRS, by its place under `rules` or `plugins`."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            name = _place(path.relative_to(source.parent).as_posix())
            if name and path.is_file() and path.stat().st_size <= _LARGEST:
                yield name, path.read_bytes()
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for info in archive.infolist():
                name = _place(info.filename)
                if name and info.file_size <= _LARGEST:
                    yield name, archive.read(info)
    else:
        with tarfile.open(source) as tar:
            for member in tar:
                name = _place(member.name)
                if name and member.isreg() and member.size <= _LARGEST:
                    file = tar.extractfile(member)
                    yield name, file.read() if file is not None else b""


def _place(name: str) -> str:
    """`coreruleset-4.28.0/rules/x.conf` → `rules/x.conf`; empty for what is not wanted."""
    parts = PurePosixPath(name).parts
    if len(parts) < 2 or parts[-2] not in ("rules", "plugins") or "tests" in parts:
        return ""
    return f"{parts[-2]}/{parts[-1]}" if parts[-1].endswith(_WANTED) else ""


__all__ = ["BadCrs", "Crs", "describe", "find_crs", "home", "install_crs", "rule_files"]
