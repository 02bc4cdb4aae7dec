"""The engines whose speed is compared, each as a function that runs a network in a process of its own."""

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import warmed

from spikegate.cosim.isolation.run import EngineError
from spikegate.models.network.engine import Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_float import run_float, run_standalone
from spikegate.translator.nest import run_nest
from spikegate.translator.variants import find

__all__ = ["ENGINES", "TITLES", "Engine", "brian2_cython", "brian2_standalone", "nest", "variant"]


def brian2_cython(network: Network, progress: Progress | None = None) -> Recording:
    """Brian2 at run time, Cython."""
    recording = run_float(network, progress=progress)
    recording.provenance.update(wall_s=recording.provenance["run_s"], prepare_s=recording.provenance["codegen_s"])
    return recording


def brian2_standalone(network: Network, folder: str | Path, progress: Progress | None = None) -> Recording:
    """Brian2 C++ standalone: made in the folder and run once, unless it is there already; then the program again, for its time and its peak.

    Only the call that makes it returns spikes.
    """
    folder = Path(folder)
    made = folder / "main"
    said: dict[str, Any] = {"codegen_s": 0.0}
    if made.exists():
        recording = Recording("brian2-standalone", network.n, network.steps, np.empty((0, 2)), provenance=said)
    else:
        recording = run_standalone(network, folder)
        said = recording.provenance
    began, peak = time.perf_counter(), 0
    with subprocess.Popen([str(made), "--results_dir", f"{folder}/results/"], cwd=folder, stdout=subprocess.DEVNULL) as program:
        while program.poll() is None:
            peak = max(peak, _high_water(program.pid))
            time.sleep(0.01)
    whole = time.perf_counter() - began
    if program.returncode:
        raise EngineError(f"Brian2's program ended with status {program.returncode}")
    loop = float((folder / "results" / "last_run_info.txt").read_text().split()[0])
    said.update(cpu_s=loop, prepare_s=said["codegen_s"] + whole - loop, program_mib=peak / 1024)
    for name in ("codegen_s", "run_s"):
        said.pop(name, None)
    return recording


def _high_water(pid: int) -> int:
    """Largest memory of a process so far, KiB; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        return 0


def nest(network: Network, threads: int, progress: Progress | None = None) -> Recording:
    """NEST."""
    recording = run_nest(network, threads)
    recording.provenance.update(wall_s=recording.provenance["run_s"], prepare_s=recording.provenance["build_s"])
    return recording


@dataclass(frozen=True)
class Engine:
    """What runs, the package that it needs, and whether it may be slow, so that a calibration says beforehand how long it takes."""

    work: Callable[..., Recording]
    options: Mapping[str, Any]
    package: str | None = None
    slow: bool = False


def variant(name: str, slow: bool = True) -> Engine:
    """Of a registered variant."""
    v = find(name)
    return Engine(warmed, {"engine": v.run}, v.needs[0] if v.needs else None, slow=slow)


ENGINES = {"brian2_cython": Engine(brian2_cython, {}, "brian2"), "brian2_standalone": Engine(brian2_standalone, {}, "brian2"),
           "nest_1": Engine(nest, {"threads": 1}, "nest"), "nest_2": Engine(nest, {"threads": 2}, "nest"),
           "v1": variant("v1"), "v3": variant("v3", False), "v18": variant("v18", False), "v20": variant("v20")}
#: What the table calls an engine.
TITLES = {"v3": "v3, golden model", "nest_1": "nest, 1 thread", "nest_2": "nest, 2 threads", "brian2_cython": "brian2, cython",
          "brian2_standalone": "brian2, C++ standalone"}
