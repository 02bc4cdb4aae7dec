"""The process that forks those of engines: what it makes once for all, and what each has of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spikegate.cosim.isolation import run
from spikegate.cosim.isolation.run import EngineError, Job, run_isolated
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=1.0)


class Told:
    """An engine that needs a module, and says what its process is like."""

    imports = ("slow_to_import",)

    def run(self, network, progress, *, how="say"):
        if how == "missing":
            import slow_to_import  # noqa: F401
        if how == "no":
            raise InputError("no")
        if how == "kill":
            print("last words")
            print("and these", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGSEGV)
        if how == "exit":
            raise SystemExit(7)
        if how == "stem":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(30)
        said = {"pid": os.getpid(), "parent": os.getppid(), "group": os.getpgid(0), "session": os.getsid(0), "folder": os.environ["TMPDIR"],
                "loaded": [name for name in ("slow_to_import", "pylab") if sys.modules.get(name)], "input": os.read(0, 1).decode(),
                "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ()))}
        return Recording("told", network.n, network.steps, [], {}, {}, 1, said)


def job(name, **options):
    return Job(name, Told().run, NETWORK, options)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The module that engines need: its file notes who imports it; this test's folder is on the path of programs, for the engine itself."""
    (tmp_path / "slow_to_import.py").write_text(f"import os\nopen({str(tmp_path / 'imported')!r}, 'a').write(f'{{os.getpid()}}\\n')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path(__file__).parent)]))
    monkeypatch.setattr(Told, "__module__", "test_stem")
    monkeypatch.setitem(sys.modules, "test_stem", sys.modules[__name__])
    return tmp_path


def test_a_module_is_imported_once_and_each_process_has_its_own_session_folder_and_empty_input(module):
    found = [result.recording.provenance for result in run_isolated([job(name) for name in "abc"]).values()]
    stem, = (module / "imported").read_text().split()
    assert {each["parent"] for each in found} == {int(stem)} and len({each["pid"] for each in found}) == len({each["folder"] for each in found}) == 3
    for each in found:
        assert each["pid"] == each["group"] == each["session"] and (each["input"], each["blocked"]) == ("", 0)
        assert each["loaded"] == ["slow_to_import"] and not Path(each["folder"]).exists()


def test_how_a_process_ends_is_its_own_and_those_beside_it_go_on(module):
    for how, kind, words in (("no", InputError, "^no$"), ("exit", EngineError, "failed with status 7"),
                             ("kill", EngineError, "was killed by SIGSEGV; its log is")):
        with pytest.raises(kind, match=words):
            run_isolated([job("bad", how=how), job("good")], logs=module)
    assert {"last words", "and these"} <= {*(module / "bad.log").read_text().splitlines()}
    made = []
    with pytest.raises(EngineError, match="Engine bad failed"):
        run_isolated([job("good"), job("bad", how="exit")], lambda name, fraction: made.append((name, fraction)), parallel=1)
    assert ("good", 1.0) in made


def test_a_module_that_cannot_be_imported_is_the_engines_own_fault(module):
    (module / "slow_to_import.py").write_text("raise ModuleNotFoundError('no module', name='slow_to_import')\n")
    assert run_isolated([job("a")])["a"].recording.provenance["loaded"] == []
    with pytest.raises(run.SpikegateError, match="Python package slow_to_import is missing; `spikegate doctor`"):
        run_isolated([job("a", how="missing")])


def test_a_stem_that_is_killed_takes_its_processes_along(module):
    start = time.monotonic()
    with pytest.raises(EngineError, match="Engine a was killed by SIGKILL"):
        run_isolated([job("a", how="stem")])
    assert time.monotonic() - start < 20


def test_a_stem_ends_when_nobody_talks_to_it(tmp_path):
    alive, end = os.pipe()
    command = [sys.executable, "-P", "-c", "from spikegate.cosim.isolation.stem import main; main()", str(alive)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, pass_fds=(alive,), timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    os.close(alive)
    os.close(end)
