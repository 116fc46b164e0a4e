"""Compiles the Envoy filter module and the tables of counters and owners; all else stands in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

TABLE = "src/stockade/stores/table"
EDGES = "src/stockade/ownership/native"
FLAGS = ["-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers"]


def headers(*folders: str) -> list[str]:
    return [str(header) for folder in folders for header in sorted(Path(folder).glob("*.h"))]


setup(
    cffi_modules=["src/stockade/gateway/envoy/build_filter.py:ffi"],
    ext_modules=[
        Extension(
            "stockade.stores._table",
            [f"{TABLE}/module.c"],
            depends=headers(TABLE),
            extra_compile_args=FLAGS,
            py_limited_api=True,  # as the filter: one file for every later Python
        ),
        Extension(
            "stockade.ownership._edges",
            [f"{EDGES}/module.c"],
            depends=headers(TABLE, EDGES),
            extra_compile_args=FLAGS,
            py_limited_api=True,
        ),
    ],
)
