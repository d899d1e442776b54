"""Advisory file locks, which the kernel releases however their holder ends, `kill -9` included."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_lock(path: Path) -> int:
    """Open a lock file without locking it; gives a descriptor that `exec` closes."""
    return open_private(path, os.O_RDWR)


def open_private(path: Path, flags: int) -> int:
    """Open a file that only its owner and root can use; made by root, it is the folder's owner's."""
    descriptor = os.open(path, flags | os.O_CREAT, 0o600)
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock alone while the block lasts; waits for others."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold the lock together with others while the block lasts; waits for an exclusive holder.

    Processes forked inside the block hold it as well: closing never unlocks for them.
    """
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_if_free(path: Path) -> Iterator[int | None]:
    """Hold the lock alone while the block lasts, or give None at once where somebody holds it.

    A child process that inherits the descriptor goes on holding the lock after the block.
    """
    descriptor = open_lock(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield descriptor
    finally:
        os.close(descriptor)
