"""Compiles the Envoy filter module and the table of counters; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

TABLE = "src/stockade/stores/table"

setup(
    cffi_modules=["src/stockade/gateway/envoy/build_filter.py:ffi"],
    ext_modules=[
        Extension(
            "stockade.stores._table",
            [f"{TABLE}/module.c"],
            depends=[str(header) for header in sorted(Path(TABLE).glob("*.h"))],
            extra_compile_args=["-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
            py_limited_api=True,  # as the filter: one file for every later Python
        )
    ],
)
