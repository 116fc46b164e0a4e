"""Compiles the Envoy filter module; everything else stands in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["src/stockade/gateway/envoy/build_filter.py:ffi"])
