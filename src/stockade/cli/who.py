"""Who is at the keyboard, for the audit."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """The name of whoever runs the command, as the system knows it."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):
        return f"cli:{os.getuid()}"
