"""`stockade demo`."""


def demo() -> None:
    """."""
