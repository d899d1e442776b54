"""Whatever goes wrong, as one clear sentence and an exit code: 1 in general, 2 for wrong usage, 130 for Ctrl-C."""

import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import state_folder
from journey_pipelines.errors import JourneysError

INTERRUPTED: Final = 130


class Failure(click.ClickException):
    """A sentence for standard error; the exit code is 1."""


class Interruption(click.ClickException):
    """Somebody pressed Ctrl-C."""

    exit_code = INTERRUPTED


@contextmanager
def sentences() -> Iterator[None]:
    """Turn every failure inside the block into a Failure; click's own errors stay as they are."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except JourneysError as error:
        raise Failure(_as_sentence(str(error))) from error
    except KeyboardInterrupt as error:
        message = "Interrupted. What was committed stays; run the same command again to go on."
        raise Interruption(message) from error
    except Exception as error:
        raise Failure(_unexpected(error)) from error


def _as_sentence(message: str) -> str:
    return message[:1].upper() + message[1:] if message[:1].islower() and " " in message else message


def _unexpected(error: Exception) -> str:
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said[:300]}" if said else type(error).__name__
    written = _keep(error)
    where = f"The traceback is in {written}" if written else "The traceback could not be written anywhere"
    return f"Something went wrong that this program did not expect ({what}). {where}; please report it with that file."


def _keep(error: Exception) -> Path | None:
    name = f"{now():%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    for folder in _log_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        except OSError:
            continue
        return path
    return None


def _log_folders() -> list[Path]:
    elsewhere = Path(tempfile.gettempdir())
    try:
        return [state_folder() / "logs", elsewhere]
    except (JourneysError, OSError):
        return [elsewhere]
