"""The keeper of the embedded Postgres: a process of its own that starts the server and stops it after its last user.

A stand-alone script with nothing but the standard library, run by file name: it must start fast, and go on when every
Python environment around it changes. It never polls: both of its waits are file locks, which the kernel releases
however a process ends. `embedded` describes the locks.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

FAST_SHUTDOWN_SECONDS = 120


def main() -> None:
    """Keep one server, as ordered by the JSON document in the first argument; ends with the server."""
    order = json.loads(sys.argv[1])
    if os.fork():
        os._exit(0)  # whoever started us need not wait for us
    if order["uid"] is not None:
        os.setgroups([])
        os.setgid(order["gid"])
        os.setuid(order["uid"])
    postmaster = order["adopt"] or start(order["command"], order["environment"], order["server_lock"])
    signal.signal(signal.SIGTERM, lambda *_: stop(postmaster, signal.SIGINT))
    threading.Thread(target=stop_after_last_user, args=(order["users_lock"], postmaster), daemon=True).start()
    fcntl.flock(order["server_watch"], fcntl.LOCK_SH)
    if not order["adopt"]:
        os.waitpid(postmaster, 0)
    os._exit(0)


def start(command: list[str], environment: dict[str, str], server_lock: int) -> int:
    """Start the postmaster, hand it (and with it every backend) the locked descriptor, and give its process id."""
    postmaster = subprocess.Popen(command, env=environment, cwd="/", pass_fds=[server_lock])  # noqa: S603 - our own command
    os.close(server_lock)
    return postmaster.pid


def stop_after_last_user(users_lock: int, postmaster: int) -> None:
    """Wait until nobody shares the users' lock, then stop the server; newcomers wait for the lock until it is gone."""
    fcntl.flock(users_lock, fcntl.LOCK_EX)
    stop(postmaster, signal.SIGINT)
    time.sleep(FAST_SHUTDOWN_SECONDS)
    stop(postmaster, signal.SIGQUIT)


def stop(postmaster: int, how: signal.Signals) -> None:
    """Signal the postmaster, unless its process id (an adopted server's can be reused) is another program's by now."""
    name = Path(f"/proc/{postmaster}/comm")
    if name.exists() and name.read_text().strip() != "postgres":
        return
    try:
        os.kill(postmaster, how)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
