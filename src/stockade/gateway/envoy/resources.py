"""What all of Envoy's configuration is made of, and where the supervisor puts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

Json: TypeAlias = dict[str, Any]
_TYPE = "type.googleapis.com/envoy."


class Places(Struct, frozen=True):
    """The supervisor's folder and what lies in it; and what lies nowhere, and workers inherit."""

    folder: Path
    counters: int  # descriptor of the table in which all workers count

    def bootstrap(self, worker: int) -> Path:
        return self.folder / f"bootstrap-{worker}.json"

    @property
    def listeners(self) -> Path:
        return self.folder / "listeners.json"

    @property
    def routes(self) -> Path:
        return self.folder / "routes.json"

    @property
    def clusters(self) -> Path:
        return self.folder / "clusters.json"

    def secret(self, name: str) -> Path:
        return self.folder / f"secret-{name}.json"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def line(self) -> Path:
        return self.folder / "line.sock"

    @property
    def identity(self) -> Path:
        """The token service's socket."""
        return self.folder / "identity.sock"

    @property
    def identity_policy(self) -> Path:
        """The policy that the token service runs."""
        return self.folder / "identity.yaml"

    def admin(self, worker: int) -> Path:
        return self.folder / f"envoy-{worker}.sock"


def typed(name: str, **fields: Any) -> Json:
    return {"@type": _TYPE + name, **fields}


def seconds(duration: float) -> str:
    return f"{duration:.3f}s"


def watched(path: Path) -> Json:
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def resources(name: str, items: list[Json]) -> str:
    return json.dumps({"resources": [{"@type": _TYPE + name, **item} for item in items]})
