"""`openapi:` on an API: who asks its Site gets the description, read once; all files of it are watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockade.config import BadConfig, Loaded, build, load_text
from stockade.config.describing import describe
from stockade.config.site import Site
from stockade.stores import documents
from stockade.stores.documents import load_document

HEAD = 'version: 1\nlisten: [{address: "127.0.0.1:8080"}]\napis:\n'
API = '  - name: shop\n    upstream: {url: "http://127.0.0.1:9000"}\n'


def loaded(stated: str, path: str = "stockade.yaml") -> Loaded:
    return load_text(f"{HEAD}{API}    openapi: {stated}\n" if stated else HEAD + API, Path(path), {})


def test_a_site_reads_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(name: str) -> bytes:
        asked.append(name)
        return load_document(name)

    monkeypatch.setattr(documents, "load_document", load)
    site = Site(loaded("openapi.yaml"), 0, None)
    assert asked == []
    description = site.description()
    assert description is not None
    assert description is site.description()
    assert asked == ["openapi.yaml", "parts.yaml"]
    assert site.watched == {folder / "openapi.yaml", folder / "parts.yaml"}
    assert site.problems == []


def test_a_site_without_one(folder: Path) -> None:
    site = Site(loaded(""), 0, None)
    assert site.description() is None
    assert (site.watched, site.problems) == (set(), [])


def test_a_bad_one_is_told_once(folder: Path) -> None:
    site = Site(loaded("broken.yaml"), 0, None)
    assert site.description() is None
    assert site.description() is None
    assert [problem.file for problem in site.problems] == ["broken.yaml", "broken.yaml"]
    with pytest.raises(BadConfig, match=r"broken\.yaml:4: "):
        build(loaded("broken.yaml"))


def test_all_its_files_are_watched(folder: Path) -> None:
    assert {folder / "openapi.yaml", folder / "parts.yaml"} <= build(loaded("openapi.yaml")).watched


def test_paths_are_the_policys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    description = describe(loaded("openapi.yaml", "../stockade.yaml"), 0)
    assert description is not None
    assert description.where("/paths/~1orders") == ("../openapi.yaml", 4)
    assert build(loaded("openapi.yaml", "../stockade.yaml")).watched >= {folder / "elsewhere" / "../parts.yaml"}


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://api.example/openapi.json", True),
        ("https://api.example/openapi.json", False),
        ("http://localhost:9000/openapi.json", False),
        ("http://127.0.0.1/openapi.json", False),
        ("http://[::1]/openapi.json", False),
    ],
)
def test_an_unencrypted_url_is_warned_of(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, warned: bool) -> None:
    monkeypatch.setattr(documents, "load_document", lambda _: b'{"openapi": "3.1.0", "paths": {}}')
    made = build(loaded(url))
    assert bool(made.warnings) is warned
    assert made.watched == {folder / "stockade.yaml"}


def test_the_folder_is_a_bound(folder: Path) -> None:
    (folder / "api").mkdir()
    (folder / "api" / "openapi.yaml").write_text((folder / "openapi.yaml").read_text().replace("parts", "../parts"))
    with pytest.raises(BadConfig, match="leads out of the folder api; name a wider one"):
        describe(loaded("api/openapi.yaml"), 0)
    assert describe(loaded("{file: api/openapi.yaml, folder: .}"), 0) is not None
