"""C files beside the models, compiled for this machine's processor when they are first called, and kept in the cache."""

import contextlib
import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

from spikegate.models.cache import cache_root

__all__ = ["compiled"]

#: Compilers by preference; Verilator needs one of C++, which compiles C as well where there is no other.
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=gnu17", "-O3", "-march=native", "-shared", "-fPIC", "-pthread", "-Wall",
         *(["-mprefer-vector-width=256"] if platform.machine() in ("x86_64", "AMD64") else []))


def _processor() -> str:
    """What the compiler is told by ``-march=native``."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()


@cache
def compiled(path: Path) -> ctypes.CDLL | None:
    """The library that a C file makes with the headers beside it; None where no compiler makes it, or ``SPIKEGATE_PLAIN`` is set."""
    command = next(filter(None, map(shutil.which, COMPILERS)), None)
    if command is None or os.environ.get("SPIKEGATE_PLAIN"):
        return None
    text = b"\0".join(file.read_bytes() for file in [path, *sorted(path.parent.glob("*.h"))])
    key = hashlib.sha256(b"\0".join([text, _processor().encode(), command.encode(), " ".join(FLAGS).encode()])).hexdigest()[:20]
    library = cache_root() / "compiled" / f"{path.stem}-{key}.so"
    try:
        if not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            part = library.with_suffix(f".{os.getpid()}")
            subprocess.run([command, *FLAGS, "-o", str(part), str(path)], check=True, capture_output=True)
            part.replace(library)
        return ctypes.CDLL(str(library))
    except (OSError, subprocess.CalledProcessError):
        return None
