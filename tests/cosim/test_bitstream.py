"""The bits of an iCE40, read back and simulated: spike for spike the golden model; and the pins that make it possible."""

import pytest

from spikegate.cosim.engines import bitstream, rtl
from spikegate.cosim.engines.native import HARNESS
from spikegate.cosim.results.compare import compare
from spikegate.cosim.toolchain import synthesis
from spikegate.cosim.toolchain.synthesis import icebox
from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.cosim.toolchain.verilog import cached_verilog
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.pins import PinsHost
from spikegate.models.core import engine as golden
from spikegate.models.errors import ToolMissing
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate

SIGNALS = ("spike", "v", "hold", "overflow", "events")
SMALL = dict(store=16, walk=True)


def network_of(n, ms):
    return translate(preset("ai", n_exc=n - n // 5, n_inh=n // 5, weight_exc=2.0, delay=0.5), Q8_8, ms=ms)


def agree(network, recording, lanes):
    reference = golden.run(network, trace=True)
    check = compare("bitstream = golden", "bit-true", reference, recording, SIGNALS)
    assert check.ok and check.compared >= 4 * network.n * network.steps and len(recording.spikes) > network.n, check
    predicted = golden.predict_cycles(network, reference, lanes, **SMALL)
    assert recording.cycles == predicted if lanes == 1 else recording.cycles > predicted
    return check


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_core_behind_pins_is_still_a_core(lanes):
    network = network_of(40, 20.0)
    g = CoreGeometry.of(network, lanes, store=None, walk=True) if lanes == 3 else CoreGeometry.of(network, lanes, **SMALL)
    made = compile_shared(cached_verilog(lambda: PinsHost(g), "core", (g,), reset=False), "core", HARNESS)
    recording = rtl.execute(network, g, rtl.load_words(network, g), trace=True, made=made)
    agree(network, recording, lanes)


@pytest.mark.long
def test_the_bitstream_is_the_golden_model():
    network = network_of(40, 20.0)
    recording = bitstream.run(network, trace=True, **SMALL)
    print(agree(network, recording, 1).detail, recording.provenance)
    other = bitstream.run(network, trace=True, seed=2, **SMALL)
    assert compare("one power-up = another", "bit-true", recording, other, SIGNALS).ok


def test_a_run_is_of_what_the_bits_say_with_the_seeds_that_it_is_given(monkeypatch):
    """What is compiled is the text read back from the bits, what runs is what was compiled, and the seeds are the driver's and nextpnr's."""
    network, placed, execute, compiled, ran = network_of(40, 20.0), [], rtl.execute, [], []
    g = CoreGeometry.of(network, 1, **SMALL)
    sound, compile_core = bitstream.core_placed(g), bitstream.compile_core
    monkeypatch.setattr(bitstream, "place", lambda made, *, seed: placed.append((made.top, made.family, seed)) or sound)
    monkeypatch.setattr(bitstream, "compile_core", lambda text: compiled.append((text, compile_core(text))) or compiled[-1][1])
    monkeypatch.setattr(rtl, "execute", lambda *args, **options: ran.append(options) or execute(*args, **options))
    recording = bitstream.run(network, seed=5, place_seed=7, **SMALL)
    (text, build), = compiled
    assert placed == [("chip", "ice40", 7)] and text == bitstream.core_verilog(g, sound) and "SB_" not in text
    assert ran[0]["made"] is build and ran[0]["seed"] == 5 and recording.engine == "bitstream"
    assert recording.provenance["used"] == sound.used and recording.provenance["fmax_mhz"] == sound.fmax_mhz


def test_nextpnr_is_told_the_seed(monkeypatch, tmp_path):
    class Stop(Exception):
        """Before anything is placed."""

    def told(program, arguments, folder):
        raise Stop(program, arguments[arguments.index("--seed") + 1])
    monkeypatch.setattr(synthesis, "tool", told)
    (tmp_path / "netlist.json").write_text("{}")
    with pytest.raises(Stop) as stopped:
        synthesis.place(synthesis.Netlist("top", "ice40", tmp_path), seed=11)
    assert stopped.value.args == ("nextpnr-ice40", "11")


def test_what_is_kept_is_that_of_the_text_the_family_the_part_the_seed_and_the_options(monkeypatch, tmp_path):
    """Each is made once and found again; what differs in one of them is another."""
    ran = []
    monkeypatch.setenv("SPIKEGATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(synthesis, "tool", lambda program, arguments, folder: ran.append((program, *arguments)))
    made = [synthesis.synthesise(*words, options=options) for _ in range(2) for *words, options in (
        ("module a;", "a", "ice40", ""), ("module b;", "a", "ice40", ""), ("module a;", "b", "ice40", ""), ("module a;", "a", "ecp5", ""),
        ("module a;", "a", "ice40", "-dsp"))]
    assert len({each.folder for each in made}) == len(ran) == 5 and made[:5] == made[5:]
    ran.clear()
    for k, each in enumerate(made[:2]):
        (each.folder / "netlist.json").write_text(f"{{}} {k}")
    (made[3].folder / "netlist.json").write_text("{} 0")
    first, other, _, ecp5, _ = made[:5]
    up5k = ("--up5k", "--package", "sg48")
    placed = [synthesis.place(netlist, **how) for _ in range(2) for netlist, how in (
        (first, {}), (other, {}), (ecp5, {}), (first, {"seed": 2}), (first, {"part": up5k}), (first, {"options": ("--freq", "12")}))]
    assert len({each.folder for each in placed}) == len(ran) == 6 and placed[:6] == placed[6:]
    assert [words[0] for words in ran] == ["nextpnr-ice40"] * 2 + ["nextpnr-ecp5"] + ["nextpnr-ice40"] * 3
    assert placed[4].package == "sg48" and placed[0].package == "ct256" and "--up5k" in ran[4] and "--hx8k" in ran[0] and "12" in ran[5]


def test_icebox_is_found_beside_the_environment_or_named_with_the_fix(monkeypatch, tmp_path):
    program = tmp_path / "icestorm" / "usr" / "bin" / "icebox_vlog"
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with pytest.raises(ToolMissing, match="icebox_vlog is not installed; install .* fpga-icestorm, or make"):
        icebox("icebox_vlog")
    program.parent.mkdir(parents=True)
    program.touch()
    assert icebox("icebox_vlog") == program


@pytest.mark.long
def test_1000_steps_of_256_neurons_from_the_bits_of_an_hx8k():
    network = network_of(256, 100.0)
    recording = bitstream.run(network, trace=True, **SMALL)
    check = agree(network, recording, 1)
    print(f"{check.detail}, {recording.cycles:,} cycles; {recording.provenance}")
    assert network.steps >= 1000 and recording.cycles >= 100_000 and recording.provenance["used"]["ICESTORM_RAM"] <= 32
