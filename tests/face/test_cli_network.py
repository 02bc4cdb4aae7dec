"""Network files at the command line: made, shown and verified; damaged and forged ones are refused before any work."""

import numpy as np
import pytest
from command import SMALL, run

from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate


def test_a_network_file_is_made_shown_verified_and_damage_is_found(capsys, tmp_path):
    path = tmp_path / "net.spikegate"
    code, out, _ = run(capsys, "network", "make", *SMALL, "--events", "--seed", "3", "--format", "q16.12", path)
    network = Network.load(path)
    assert code == 0 and network.hash in out
    assert (network.n, network.steps, network.source["seed"], str(network.lif.format)) == (100, 600, 3, "q16.12")
    assert network.external.shape == (600, 100) and network.external.any()
    code, out, _ = run(capsys, "network", "show", path)
    assert code == 0 and "80 excitatory" in out and network.hash[:40] in out
    assert run(capsys, "network", "verify", path)[0] == 0
    whole = path.read_bytes()
    damaged = whole[:-1], whole[:40], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
    cases = [(data, "truncated or damaged") for data in damaged]
    cases += [(b"", "no spikegate network"), (b"PK" + whole, "no spikegate network"), (whole.replace(b"1", b"9", 1), "another version")]
    for data, words in cases:
        path.write_bytes(data)
        for command in (("network", "verify", path), ("network", "show", path), ("sim", "--network", path)):
            code, out, err = run(capsys, *command)
            assert code == 2 and out == "" and len(err) == 1 and words in err[0] and "spikegate network make" in err[0]


@pytest.mark.parametrize("path", ["", "/", "a\0b", "absent/net"])
def test_a_network_that_cannot_be_written_is_one_line(path, capsys):
    code, out, err = run(capsys, "network", "make", *SMALL, path)
    assert code == 2 and out == "" and len(err) == 1 and "cannot be written" in err[0]


def test_a_name_that_is_no_text_is_escaped(capsys, tmp_path):
    path = tmp_path / "net\udcff"
    assert run(capsys, "network", "make", *SMALL, path)[:2] == (0, f"{tmp_path}/net\\udcff: {Network.load(path).hash}\n")
    code, out, _ = run(capsys, "network", "verify", path)
    assert code == 0 and out.startswith(f"{tmp_path}/net\\udcff: ok")


def test_a_fine_leak_is_shown_in_its_own_fraction(capsys, tmp_path):
    translate(preset("ai", n_exc=80, n_inh=20), ms=1, leak_fraction=20).save(tmp_path / "net")
    assert "leak 0.0049991" in " ".join(run(capsys, "network", "show", tmp_path / "net")[1].split())


FORGED = [({"tau_mem": 10.0}, "leak dt/tau = 0.01, and its integers hold 0.00390625"), ({"weight_exc": 0.6}, "weight_exc = 0.6, and its integers"),
          ({"delay": 1.6}, "delay = 1.6, and its integers hold 1.5"), ({"n_exc": 81}, "n_exc = 81, and its integers hold 80"),
          ({"eta": 2.1}, "drive events/step = 0.42, and its integers hold 0.4"), ({"dt": 0.2}, "dt = 0.2, and its integers hold 0.1"),
          ({"v_threshold": 19.0}, "v_threshold = 19, and its integers hold 20"), ({"g_inh": 7.0}, "weight_inh = 3.5, and its integers hold 4")]


@pytest.mark.parametrize(("source", "words"), FORGED, ids=str)
def test_a_source_that_contradicts_the_integers_is_refused_first(source, words, capsys, no_work, tmp_path):
    network = translate(preset("ai", n_exc=80, n_inh=20), ms=1)
    network.replace(source={**network.source, **source}).save(tmp_path / "net")
    code, out, err = run(capsys, "sim", "--network", tmp_path / "net", "--out", tmp_path / "out")
    assert code == 2 and out == "" and any(line.startswith(f"spikegate: Network's source says {words}") for line in err)
    assert not (tmp_path / "out").exists()


def test_events_of_ones_own_are_refused_by_name_as_the_hardware_draws_its_own(capsys, no_work, tmp_path):
    network = translate(preset("ai", n_exc=80, n_inh=20), ms=1)
    network.replace(external=np.ones((10, 100), np.uint8)).save(tmp_path / "net")
    for more in ([], ["--through-host-link"]):
        code, out, err = run(capsys, "sim", "--network", tmp_path / "net", "--out", tmp_path / "out", *more)
        assert code == 2 and out == "" and len(err) == 1 and "recorded external events must be those of its own drive for hardware" in err[0]
    assert not (tmp_path / "out").exists()
