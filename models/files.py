"""Files and folders that are there whole or not at all, whoever else writes at the same time and whenever a process is killed."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["reason", "replace_folder", "whole_file", "working_folder", "write_whole"]

PREFIX, SUFFIX = "spikegate-", ".run"
NAME = re.compile(re.escape(PREFIX) + r"\w{8}" + re.escape(SUFFIX))


@contextmanager
def working_folder(inside: str | Path | None = None) -> Iterator[Path]:
    """A new folder in ``inside`` (default: where temporary files go), gone at the end.

    Its owner holds a lock on it, which the system drops when the owner is killed: what has been left is removed by the next who works there.
    """
    parent = Path(tempfile.gettempdir() if inside is None else inside).absolute()
    _remove_left(parent)
    # Before it is locked, somebody may take it for one that was left.
    while (lock := _locked(folder := Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=parent)))) is None:
        pass
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(folder: Path) -> int | None:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    with suppress(OSError):  # a file system without locks; nobody else gets one there either
        fcntl.flock(lock, fcntl.LOCK_EX)
    if folder.exists():
        return lock
    os.close(lock)
    return None


def _remove_left(parent: Path) -> None:
    with suppress(OSError), os.scandir(parent) as entries:
        left = [entry.path for entry in entries if NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]
        for path in left:
            with suppress(OSError):
                _remove_unlocked(path)


def _remove_unlocked(path: str) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write a file to; it becomes ``path`` when the block ends well.

    A device or a pipe is written directly. Raises whatever OSError or ValueError the system has for the path.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    target = Path(os.path.realpath(path))
    with working_folder(target.parent) as folder:
        yield folder / "part"
        (folder / "part").replace(target)


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write a file, text as UTF-8; what a path has that is none stays the bytes that it is."""
    with whole_file(path) as part:
        part.write_bytes(content.encode(errors="surrogateescape") if isinstance(content, str) else content)


def reason(error: Exception) -> object:
    """Why a file cannot be used, in the system's words, without the name of a temporary one."""
    return getattr(error, "strerror", None) or error


def replace_folder(new: Path, folder: Path) -> None:
    """Replace a folder by another, in the same file system; the old one is removed."""
    while True:
        with working_folder(folder.parent) as work:
            with suppress(FileNotFoundError):
                folder.rename(work / "old")
            try:
                new.rename(folder)
                return
            except OSError:
                if not folder.exists():
                    raise  # it is not that somebody else was faster
