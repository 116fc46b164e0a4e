"""Instructions per request on the engine's path, counted by valgrind: a figure that neighbours cannot disturb.

    python benchmarks/instructions.py [--requests 2000] [--profile FILE]

The same policy as in `gateway.py` (firewall, API key, two limits, exposure), without network and log: open the session,
drive it to its verdict, close it. Two runs of different length are counted and subtracted, so that start-up is not in
the figure. `--profile` keeps the longer run's profile for `callgrind_annotate`.

Exit status: 0 all well, 1 valgrind is not there or did not count, 2 bad arguments.
"""

import argparse
import gc
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from benchmarks.peers import STOCKADE_POLICY
from stockade.config import build, load_text
from stockade.config.hash_key import read_hash_key
from stockade.engine import REQUEST_HEAD, drive, open_session
from stockade.gateway.runtime import Runtime
from stockade.identity import ApiKeys
from stockade.stores import KeyStore
from stockade.vocabulary import Stop
from stockade.wire import Headers, Peer, Request

AT = 1_763_766_422.125
_WARM_UP = 200  # requests that fill every cache


def run(folder: Path, requests: int) -> None:
    """Judge so many requests. Raises RuntimeError when one is refused."""
    places = {"decisions": folder / "log.jsonl", "keys": folder / "keys.db"}
    loaded = load_text(STOCKADE_POLICY.format(port=1, admin=2, upstream=3, **places).encode(), folder / "stockade.yaml")
    built = build(loaded)
    assert built.database is not None
    hash_key = read_hash_key(loaded)
    issued = ApiKeys(KeyStore(built.database.path), hash_key).issue("bench", AT)
    runtime = Runtime(loaded, built)
    request = _request(issued.text)
    gc.collect()
    gc.freeze()  # as a worker does
    for _ in range(requests):
        session = open_session(runtime.policy, request)
        verdict = drive(session.receive(REQUEST_HEAD), runtime.stores.answer)
        if isinstance(verdict, Stop):
            raise RuntimeError(f"refused with {verdict.response.status}")  # noqa: TRY004 - no type is wrong
        session.close(200, 1.5, 1.0, 0)


def _request(key: str) -> Request:
    fields = {"user-agent": "bench", "accept": "*/*", "x-api-key": key, "accept-encoding": "gzip"}
    headers = Headers.of(fields.items())
    return Request("r-1", AT, "GET", "http", "shop.example", "/orders/7", "", headers, Peer("198.51.100.7"))


def counted(requests: int, profile: Path) -> int:
    """Instructions that the whole run of so many requests takes. Raises OSError, CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--run", folder, "--requests", str(requests)]
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *command],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            check=True,
            capture_output=True,
            text=True,
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run(arguments.run, arguments.requests)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        try:
            few = counted(_WARM_UP, Path(scratch, "few"))
            many = counted(_WARM_UP + arguments.requests, arguments.profile or Path(scratch, "many"))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"cannot count: {error} {getattr(error, 'stderr', '')}", file=sys.stderr)
            return 1
    print(f"{(many - few) / arguments.requests:,.0f} instructions per request")
    return 0


if __name__ == "__main__":
    sys.exit(main())
