"""Serve the shop: `PYTHONPATH=examples python -m shop --port 9000`, or `python examples/shop --port 9000`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop", description="Serve the sample shop.")
    parser.add_argument("--host", default="127.0.0.1", help="it is careless on purpose: keep it on the loopback")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--describe", type=Path, metavar="FILE", help="write its OpenAPI description there and end")
    arguments = parser.parse_args()

    from shop.app import app

    if arguments.describe is not None:
        arguments.describe.write_text(json.dumps(app.openapi(), indent=1))
        return

    import uvicorn

    uvicorn.run(
        app,
        host=arguments.host,
        port=arguments.port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # open streams must not keep a test waiting
    )


if __name__ == "__main__":
    if not __package__:  # started as a folder, which put that folder on the path instead of its parent
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    main()
