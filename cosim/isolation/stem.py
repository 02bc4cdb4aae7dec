"""A process that has imported what several engines need, and forks one for each of them: what takes seconds is done once."""

import os
import select
import signal
import sys
from importlib import import_module
from pathlib import Path

from spikegate.cosim.isolation import worker

__all__ = ["main"]

#: How often it is looked whether a process has ended.
LOOK_S = 0.02
#: Brian2 imports this, with all of Matplotlib, for its user's plots if it is found, which is a third of its import.
UNUSED = "pylab"


def main() -> None:
    """Fork a process for the job in each folder that a line of standard input names, until that ends.

    The arguments are a descriptor of a pipe, at whose end every process ends, and modules to import. What a process printed, its number, and how it
    ended, negative if by a signal, come to the files ``log``, ``pid`` and ``code`` of its folder.
    """
    parent, *modules = sys.argv[1:]
    sys.modules[UNUSED] = None  # type: ignore[assignment]
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        for name in modules:
            import_module(name)
    except Exception:
        # An engine says itself what it lacks, in a process where nobody has tried yet.
        os.set_inheritable(int(parent), True)
        os.execv(sys.executable, [*sys.orig_argv[:sys.orig_argv.index(parent)], parent])
    os.set_inheritable(int(parent), False)
    running: dict[int, Path] = {}
    text = b""
    while True:
        if select.select([0], [], [], LOOK_S if running else None)[0]:
            if not (more := os.read(0, 65536)):
                return
            *lines, text = (text + more).split(b"\n")
            for line in lines:
                folder = Path(os.fsdecode(line))
                if (pid := os.fork()) == 0:
                    _begin(folder)
                    return worker.main(folder, int(parent))
                running[pid] = folder
                write_at_once(folder / "pid", str(pid))
        for pid in list(running):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                write_at_once(running.pop(pid) / "code", str(os.waitstatus_to_exitcode(status)))


def _begin(folder: Path) -> None:
    os.setsid()
    for path, flags, number in ((os.devnull, os.O_RDONLY, 0), (folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 1)):
        os.dup2(os.open(path, flags, 0o600), number)
    os.dup2(1, 2)
    os.environ["TMPDIR"] = str(folder)


def write_at_once(path: Path, text: str) -> None:
    """A file that is there with all of its text, or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
