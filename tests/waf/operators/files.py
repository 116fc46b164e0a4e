"""Files of operators, for tests: in memory, or in a folder."""

from __future__ import annotations

from pathlib import Path


class MemoryFiles:
    def __init__(self, **texts: bytes) -> None:
        self._texts = texts

    def lines(self, name: str) -> list[bytes]:
        if name not in self._texts:
            raise FileNotFoundError(name)
        return self._texts[name].splitlines()

    def path(self, name: str) -> Path:
        raise FileNotFoundError(name)


class FolderFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lines(self, name: str) -> list[bytes]:
        return self.path(name).read_bytes().splitlines()

    def path(self, name: str) -> Path:
        return self._folder / name


NONE = MemoryFiles()
