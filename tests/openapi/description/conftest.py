"""`describe`: a description made of files that are texts at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from stockade.openapi.reading import BadDescription, Description, read

Files: TypeAlias = dict[str, Any]
Describe: TypeAlias = Callable[..., Description]


def load_from(files: Files) -> Callable[[str], bytes]:
    def load(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        content = files[name]
        text = content if isinstance(content, str | bytes) else json.dumps(content, indent=1)
        return text if isinstance(text, bytes) else text.encode()

    return load


def describe_files(files: Files, root: str = "openapi.json", **options: Any) -> Description:
    return read(root, load=load_from(files), **options)


def problems_of(files: Files, root: str = "openapi.json", **options: Any) -> list[str]:
    with pytest.raises(BadDescription) as caught:
        describe_files(files, root, **options)
    assert str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def whole(paths: Any = None, version: str = "3.1.0", **rest: Any) -> dict[str, Any]:
    key = "swagger" if version.startswith("2") else "openapi"
    return {key: version, "info": {"title": "t", "version": "1"}, "paths": paths or {}, **rest}


def with_schemas(version: str = "3.1.0", /, **schemas: Any) -> dict[str, Any]:
    if version.startswith("2"):
        return whole(version=version, definitions=schemas)
    return whole(version=version, components={"schemas": schemas})


def schemas_of(description: Description) -> dict[str, Any]:
    found: dict[str, Any] = description.document["components"]["schemas"]
    return found
