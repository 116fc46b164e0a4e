"""`python -m stockade` is `stockade`."""

from stockade.cli.main import run

run()
