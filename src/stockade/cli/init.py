"""`stockade init`."""


def init() -> None:
    """."""
