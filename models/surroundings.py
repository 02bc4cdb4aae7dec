"""What other programs get to see of the user's shell, and on which processor and compiler their work depends."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from spikegate.models.cache import cache_root

__all__ = ["child_environment", "clean_environment", "illegal_instruction", "machine"]

#: Where things are, and how many threads and which devices may be used. Whatever else a shell holds (COCOTB_TEST_FILTER, CXXFLAGS, MAKEFLAGS,
#: VERILATOR_BIN, PERL5OPT, PYTHONOPTIMIZE, GIT_DIR, ...) changes what a tool does, and no two users have the same.
KEPT = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "VIRTUAL_ENV", "YOWASP_CACHE_DIR", "PYTHONHASHSEED",
        "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONNOUSERSITE", "PYTHONUSERBASE"}
KEPT_PREFIXES = ("LD_", "XDG_", "SPIKEGATE_", "NUMBA_", "OMP_", "OPENBLAS_", "MKL_", "CUDA_", "NVIDIA_", "JAX_", "XLA_", "NIX_", "CONDA_")


def child_environment(**more: str) -> dict[str, str]:
    """The environment of every program that is started: what is `KEPT` of this process's, and ``more``."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    # An empty entry stands for the working folder, where a user's random.py may lie.
    places = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    path = {"PYTHONPATH": os.pathsep.join(places)} if places else {}
    return {"PATH": os.defpath, **kept, **path, "LC_ALL": "C.UTF-8", **more}


@contextmanager
def clean_environment(**more: str) -> Iterator[None]:
    """Inside, this process has the environment of its children: for libraries that start programs themselves."""
    old = dict(os.environ)
    new = child_environment(**more)
    try:
        for name in old.keys() - new.keys():
            del os.environ[name]
        os.environ.update(new)
        yield
    finally:
        for name in os.environ.keys() - old.keys():
            del os.environ[name]
        os.environ.update(old)


@cache
def machine() -> str:
    """What the C++ compiler says of itself and of this processor: a part of the key of all that is compiled for the processor at hand.

    Homes are shared by machines: an instruction that another lacks ends a simulator with SIGILL. It is here, below both, because `spikegate.cosim`
    compiles simulators and `spikegate.translator` lets Brian2 compile, and neither may import the other.
    """
    with suppress(OSError):
        said = subprocess.run(["g++", "-march=native", "-dM", "-E", "-x", "c++", os.devnull], capture_output=True, text=True, env=child_environment())
        return said.stdout
    return ""


def illegal_instruction() -> str:
    """What to say of a process that died of SIGILL."""
    return f", as when it was compiled for another processor; remove the folder {cache_root()} and run again"
