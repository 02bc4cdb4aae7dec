"""A script of Brian2 as a user has one, and the programs that run it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
FACE = str(ROOT / ".venv" / "bin" / "spikegate")
SCRIPT = """
from brian2 import *
prefs.codegen.target = "numpy"
seed(2)
cells = NeuronGroup(12, "dv/dt = (1.5 - v) / (8*ms) : 1 (unless refractory)", threshold="v > 1", reset="v = 0", refractory=2*ms, method="exact")
cells.v = "0.08 * i"
synapses = Synapses(cells, cells, "w : 1", on_pre="v += w", delay=0.4*ms)
synapses.connect(p=0.5)
synapses.w = "0.05 - 0.15 * rand()"
spikes = SpikeMonitor(cells)
run(30*ms)
print("spikes", spikes.num_spikes)
"""
DEVICE = "import spikegate.brian2\nfrom brian2 import set_device\nset_device('spikegate')\n"


def write(folder, text):
    path = folder / "mine.py"
    path.write_text(text)
    return path


def run(folder, *words):
    return subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True)
