"""Compiles the Envoy filter module, the tables of counters and owners, and the judge of JSON; all else stands in
pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

SHARED = "src/stockade/native"
TABLE = "src/stockade/stores/table"
EDGES = "src/stockade/ownership/native"
JSON = "src/stockade/payloads/native"
FLAGS = ["-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers"]


def extension(name: str, folder: str, *included: str) -> Extension:
    """included: the other folders whose headers it reads."""
    headers = [str(header) for each in (folder, *included) for header in sorted(Path(each).glob("*.h"))]
    return Extension(
        name,
        [f"{folder}/module.c"],
        depends=headers,
        extra_compile_args=FLAGS,
        py_limited_api=True,  # as the filter: one file for every later Python
    )


setup(
    cffi_modules=["src/stockade/gateway/envoy/build_filter.py:ffi"],
    ext_modules=[
        extension("stockade.stores._table", TABLE, SHARED),
        extension("stockade.ownership._edges", EDGES, TABLE, SHARED),
        extension("stockade.payloads._json", JSON, SHARED),
    ],
)
