"""Where compiled code is kept: in the user's cache folder or, where nothing can be written there, in a temporary one."""

import os
import stat
import tempfile
from pathlib import Path

from spikegate.models.errors import InputError

__all__ = ["cache_root", "settle"]

NAMED = "SPIKEGATE_CACHE"


def settle() -> None:
    """Where the user's cache folder cannot be written, let a temporary folder stand in for HOME, here and in every child.

    Numba, Cython, Matplotlib, Wasmtime and YoWASP keep files below HOME, and most of them fail where they cannot.
    """
    try:
        _try(_user())
        return
    except (OSError, RuntimeError):  # no folder; no HOME and no entry in the list of users either
        pass
    home = _temporary()
    os.environ |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    (home / ".cache").mkdir(exist_ok=True)


def cache_root() -> Path:
    """Where compiled simulators are kept: ``SPIKEGATE_CACHE``, or a part of the user's cache folder.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    folder = Path(os.environ.get(NAMED) or _user() / "spikegate").absolute()
    try:
        _try(folder)
    except OSError as error:
        raise InputError(f"Cache folder {folder} cannot be written ({error.strerror}); set {NAMED} to a folder that can") from None
    return folder


def _try(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _user() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _temporary() -> Path:
    """The same one each time, unless somebody else has made it first."""
    try:
        folder = Path(tempfile.gettempdir()) / f"spikegate-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            return folder
        return Path(tempfile.mkdtemp(prefix="spikegate-"))
    except OSError as error:
        raise InputError(f"Neither HOME nor a temporary folder can be written ({error.strerror or error}); set HOME or TMPDIR to a folder "
                         "that can") from None
