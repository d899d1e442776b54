"""`python -m tests.storm`: the big form, with figures on standard output."""

import argparse
import random
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.storm.server import Server
from tests.storm.storms import Storms


def main() -> None:
    """Blow; whatever differs from the undisturbed run ends in an AssertionError that says where."""
    given = _arguments()
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {line}\n")
        sys.stdout.flush()

    say(f"seed {given.seed}; the same moments again with --seed {given.seed}")
    folder = Path(tempfile.mkdtemp(prefix="jp-storm-"))
    folder.chmod(0o755)
    server = Server(folder)
    server.start()
    try:
        draw = random.Random(given.seed)
        if given.client_kills or given.server_kills:
            chunk_rows = max(given.customers // given.chunks, 1)
            storms = Storms(server, folder, given.customers, chunk_rows, draw, say)
            storms.kill_clients(given.client_kills)
            storms.kill_servers(given.server_kills)
        if given.pairs or given.races:
            few = max(given.customers // 10, 1)
            storms = Storms(server, folder, few, max(few // given.chunks, 1), draw, say, prefix="few")
            storms.start_twice(given.pairs)
            storms.race(given.races)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
    say("everything ended in the same rows")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="pairs and races take a tenth of them")
    parser.add_argument("--chunks", type=int, default=20, help="transactions for as many moves as there are customers")
    parser.add_argument("--client-kills", type=int, default=200)
    parser.add_argument("--server-kills", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=20, help="two runs of one day together")
    parser.add_argument("--races", type=int, default=5, help="a batch against single customers' advances")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    return parser.parse_args()


if __name__ == "__main__":
    main()
