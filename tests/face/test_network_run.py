"""`spikegate network run`: the golden model alone, at its real entry."""

import numpy as np
import pytest
from command import SMALL, run

from spikegate.models.network.recording import Recording

CORTEX = ["--preset", "microcircuit", "--set", "scale=0.004", "--ms", "20"]


def test_it_tells_progress_and_rates_and_saves_the_recording(capsys, tmp_path):
    code, out, err = run(capsys, "network", "run", *CORTEX, "--threads", "2", "--save", tmp_path / "cortex.npz")
    assert code == 0 and err[0].startswith("spikegate: microcircuit: 309 neurons, made in ") and err[-2] == "spikegate: golden 100 %"
    assert err[-1].startswith("spikegate: 200 steps, 0.02 s of biological time, in ")
    recording, lines = Recording.load(tmp_path / "cortex.npz"), out.splitlines()
    first = int(np.sum(recording.spikes[:, 1] < 83))
    assert lines[0] == f"L23E: {first:,} spikes, {first / 83 / 0.02:.2f} Hz" and len(lines) == 8 and recording.steps == 200
    assert run(capsys, "network", "run", *CORTEX, "--save", tmp_path / "one.npz")[1] == out
    assert np.array_equal(Recording.load(tmp_path / "one.npz").spikes, recording.spikes)


def test_a_file_and_other_networks_run(capsys, tmp_path):
    assert run(capsys, "network", "make", *SMALL, tmp_path / "net")[0] == 0
    made, given = (run(capsys, "network", "run", *words) for words in (SMALL, ["--network", tmp_path / "net"]))
    assert made[0] == 0 and made[1] == given[1] and "Hz" in made[1]


@pytest.mark.parametrize("words, said", [([*SMALL, "--threads", 2], "--threads 2 is for networks of point neurons"),
                                         ([*CORTEX, "--threads", 0], "Threads must be in 1..64, not 0"),
                                         ([*CORTEX, "--save", "/nowhere/at/all.npz"], "/nowhere/at/all.npz")])
def test_what_is_refused(capsys, words, said):
    code, _, err = run(capsys, "network", "run", *words)
    assert code == 2 and said in err[-1]
