"""`stockade replay`."""


def replay() -> None:
    """."""
