"""`journeys dev`."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import click

from journey_pipelines.cli.failures import Failure
from journey_pipelines.cli.installation import child_environment, settings
from journey_pipelines.cli.output import progress_bar
from journey_pipelines.dagster_home import dagster_environment
from journey_pipelines.settings import Settings
from journey_pipelines.store.embedded import ensure_running

HOST: Final = "127.0.0.1"
GRACE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.2  # how late Ctrl-C may be noticed
WORKSPACE: Final = "workspace.yaml"
SUPERSEDED: Final = "Function `dev_command` is superseded"  # `dg dev` is a wrapper of this command


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Of Dagster's UI.")
def dev(port: int) -> None:
    """Start the database, Dagster's UI and its daemon; Ctrl-C stops them all."""
    found = settings()
    environment = child_environment(dagster_environment(found))
    command = _command(found.home, port)
    _check_free(port)
    _build_sample(found)
    database = "external, JOURNEYS_STORE_URL"
    if found.store_url is None:
        database = f"embedded, {ensure_running(found.home).url}"
    click.echo(f"Journey store   {database}")
    click.echo(f"Dagster's UI    http://{HOST}:{port}  (ready in some seconds; Ctrl-C stops everything)")
    code = _run_until_stopped(command, found.home, environment)
    if code:
        raise Failure(f"Dagster ended by itself with code {code}; see what it says above, mend it and start again.")


def _command(home: Path, port: int) -> list[str]:
    workspace = home / WORKSPACE
    if not workspace.is_file():
        raise Failure(f"There is no {workspace}; run inside the project, or set JOURNEYS_HOME to its folder.")
    return [
        *(sys.executable, "-W", f"ignore:{SUPERSEDED}", "-m", "dagster", "dev", "--workspace", str(workspace)),
        *("--host", HOST, "--port", str(port)),
    ]


def _check_free(port: int) -> None:
    # on a port that is taken Dagster chooses another one by itself, which nobody would look for
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = f"Port {port} of {HOST} cannot be used ({error.strerror}); choose another with --port."
            raise Failure(message) from error


def _build_sample(found: Settings) -> None:
    """Make the sample warehouse where no other one is set, so that the first partition has something to read."""
    sample = found.sample_warehouse
    if sample is None:
        return
    from journey_pipelines.sample import ensure_sample_warehouse

    with progress_bar("Sample warehouse") as progress:
        ensure_sample_warehouse(sample, progress=progress)


def _run_until_stopped(command: list[str], home: Path, environment: Mapping[str, str]) -> int:
    """Run the child until it ends or we are told to stop; returns its exit code, 0 where we stopped it."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # a session of its own: Ctrl-C reaches Dagster once, from us, and whatever it leaves behind is ended together
        with subprocess.Popen(command, cwd=home, env=dict(environment), start_new_session=True) as child:  # noqa: S603 - our own command
            try:
                while not asked and child.poll() is None:
                    _pause(child)
                if asked:
                    _stop(child)
            finally:
                _end_group(child)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0 if asked else child.returncode


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask Dagster to end its own processes, and give it time."""
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=GRACE_SECONDS)


def _pause(child: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=POLL_SECONDS)


def _end_group(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


COMMANDS: Final[Mapping[str, click.Command]] = {"dev": dev}
