"""`stockade explain`."""


def explain() -> None:
    """."""
