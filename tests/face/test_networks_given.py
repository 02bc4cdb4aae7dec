"""Networks of the command line without its parser: files, presets of point neurons, and how a network is shown."""

from argparse import Namespace

import pytest

from spikegate import networks
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate
from spikegate.translator.cuba import CubaParams, cuba
from spikegate.translator.izhikevich_network import IzhikevichParams, izhikevich_network
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit

NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small [b]", ms=1.0)
NONE = dict.fromkeys(("network", "preset", "format", "leak_fraction", "rounding", "overflow", "variant", "length", "ms", "seed"))


def given(**options):
    return networks.given(Namespace(**{**NONE, "changes": [], **options}))


def test_a_file_is_read_and_takes_no_other_option(tmp_path):
    path = str(tmp_path / "net")
    NETWORK.save(path)
    assert given(network=path).hash == NETWORK.hash
    for options, named in ((dict(seed=0), "--seed"), (dict(changes=["a=1"]), "--set"), (dict(leak_fraction="9", ms=1.0), "--leak-fraction, --ms"),
                           (dict(preset="ai", changes=["a=1", "b=2"]), "--preset, --set")):
        with pytest.raises(InputError) as caught:
            given(network=path, **options)
        assert str(caught.value) == (f"--network {path} already fixes the whole run, so that {named} cannot be given with it; leave out either")


@pytest.mark.parametrize("name, change, made", [
    ("cuba", "n=10", lambda ms: cuba(CubaParams(n=10), ms)), ("izhikevich", "n=5", lambda ms: izhikevich_network(IzhikevichParams(n=5), ms)),
    ("microcircuit", "scale=0.001", lambda ms: microcircuit(MicrocircuitParams(scale=0.001), ms))])
def test_a_preset_of_point_neurons_lasts_a_second_unless_it_is_told_otherwise(name, change, made):
    assert given(preset=name, changes=[change]).hash == made(1000.0).hash and given(preset=name, changes=[change], ms=2.0).hash == made(2.0).hash


def test_a_network_is_shown_as_it_is_written_a_row_a_line(tmp_path, capsys, monkeypatch):
    from rich import console
    made, real = [], console.Console
    monkeypatch.setattr(console, "Console", lambda **options: made.append(options) or real(**options))
    monkeypatch.setenv("COLUMNS", "200")
    NETWORK.save(path := tmp_path / "net")
    assert networks.show(Namespace(file=str(path))) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0].split(maxsplit=1) == ["name", "small [b]"] and lines[0].startswith(" name ") and lines[1].startswith(" hash ")
    assert not any("─" in line for line in lines) and made == [dict(highlight=False, markup=False)]
    assert networks.verify(Namespace(file=str(path))) == 0
    assert capsys.readouterr().out == f"{path}: ok, small [b], N=20, 10 steps, {Network.load(path).hash}\n"
