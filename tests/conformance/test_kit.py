"""The conformance kit: its answers are those that are known, right engines pass it at their real entry, and small defects do not."""

import json
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conformance import check, kit
from conformance.answers import answer
from conformance.defects import DEFECTS, PAGE, build, found, table, unpacked
from conformance.networks import CORES, NETWORKS, core_of
from independent import engine, netfile, pointfile, points, streams

from spikegate.cosim.engines.native import NativeCore
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.engines.rtl import build as build_core
from spikegate.models.errors import InputError
from spikegate.models.network.load import load
from verification.stimuli.networks import GEOMETRIES
from verification.stress.traffic import run_loaded

FILES = cache(kit.made)
ENTRIES = json.loads(kit.KNOWN.read_text())["files"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The kit as `make kit` writes it, unpacked."""
    out = tmp_path_factory.mktemp("kit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kit, "made", FILES)
        assert kit.main(["--out", str(out / "kit.zip")]) == 0
    with zipfile.ZipFile(out / "kit.zip") as archive:
        archive.extractall(out)
    return out / "conformance"


@pytest.fixture(scope="module")
def c(tmp_path_factory):
    return build(tmp_path_factory.mktemp("c"))


def test_the_kit_is_what_is_known_has_everything_and_is_the_same_each_time(folder, tmp_path):
    assert json.loads((folder / "kit.json").read_text())["files"] == ENTRIES
    for name in ("a", "b"):
        kit.write(FILES(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() and (tmp_path / "a").stat().st_size < 1_500_000
    assert len(NETWORKS) == 50 and sum("reason" in entry for entry in ENTRIES) > 200
    for entry in ENTRIES:
        if "reason" not in entry:
            text = (folder / entry["answer"]).read_text()
            assert kit.digest(text) == entry["answer_sha256"] and text.count("\n") % 2 and len(text) > 50
            spikes = "".join(line + "\n" for line in text.splitlines() if line.startswith("spikes"))
            assert kit.digest(spikes) == entry["spikes_sha256"] and entry["holds"]


def test_the_checker_passes_the_engine_in_c_and_refuses_one_that_is_not_right(folder, c):
    run = lambda *words: subprocess.run([sys.executable, "-P", folder / "check.py", *words], capture_output=True, text=True)  # noqa: E731
    done = run(c)
    assert (done.returncode, done.stdout) == (0, f"{len(ENTRIES)} files, 0 wrong\n"), done.stdout
    assert run("--only", "1-p*", c).stdout == "1 files, 0 wrong\n"
    assert run("--only", "nothing", c).returncode == 1 and run().returncode == 1
    done = run("--only", "1-pair", "true")
    assert done.returncode == 1 and done.stdout == "1-pair: code 0, line 1 is '', not 'spikes'\n1 files, 1 wrong\n"


def test_an_engine_may_print_spikes_alone_and_no_less():
    entry = next(entry for entry in ENTRIES if entry["name"] == "1-pair")
    text = FILES()[entry["answer"]].decode()
    lines = lambda *kinds: "".join(line + "\n" for line in text.splitlines() if line.split()[0] in kinds)  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", lambda path: text)
        for kinds in (("spikes",), ("spikes", "states"), ("spikes", "generators"), ("spikes", "states", "generators")):
            assert check.problem(entry, 0, lines(*kinds)) == ""
            assert check.problem(entry, 1, lines(*kinds)) and check.problem(entry, 0, lines(*kinds) + "spikes\n")
        assert check.problem(entry, 0, "") and check.problem(entry, 0, lines("states"))
        assert "line 3 is 'spikes 1', not 'spikes 0'" in check.problem(entry, 0, text.replace("spikes 0", "spikes 1"))
    bad = {"reason": "a byte more"}
    assert check.problem(bad, 2, "") == "" and all("a byte more" in check.problem(bad, *given) for given in ((0, ""), (1, ""), (-11, ""), (2, "x")))


def test_the_golden_reader_refuses_what_has_to_be_refused_and_reads_all_else(folder):
    for entry in ENTRIES:
        if "reason" in entry:
            with pytest.raises(InputError):
                load(folder / entry["file"])
        else:
            assert load(folder / entry["file"]).hash == entry["network"]


def independent(path):
    """The answer of the engine in Python that was written from the pages."""
    version, lines = path.read_bytes()[18:19], []
    if version == b"2":
        file = pointfile.PointFile(*netfile.contents(path, 2, pointfile.check))
        cells = points.cells(file)
        for fired, _, states in points.run(file, cells):
            lines += [["spikes", *fired], ["states", *(value for state in states for value in state.values())]]
        lines.append(["generators", *(cell.register.state if cell.register else 0 for cell in cells)])
    else:
        file = netfile.read(path)
        synapses = streams.Streams(file) if "streams" in file.header else engine.Weights(file)
        for fired, values in engine.simulate(file, synapses):
            row = zip(values["v"], values["hold"], values["overflow"])
            lines += [["spikes", *fired], ["states", *(value for neuron in row for value in neuron)]]
    return "".join(" ".join(map(str, map(int_or_word, line))) + "\n" for line in lines)


def int_or_word(value):
    return value if isinstance(value, str) else int(value)


LARGE = {name for name in NETWORKS if name.endswith(("-1024", "-3", "-4"))} | {"1-wide-sobol", "1-wide-lfsr"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in LARGE)) for name in NETWORKS])
def test_the_independent_engine_passes(name, folder):
    entry = next(entry for entry in ENTRIES if entry["name"] == name)
    assert check.problem(entry, 0, independent(folder / entry["file"]), folder) == ""


def test_the_independent_reader_of_version_2_refuses_what_has_to_be_refused(folder):
    for entry in (entry for entry in ENTRIES if entry["name"].startswith("refused-2")):
        with pytest.raises(ValueError):
            pointfile.PointFile(*netfile.contents(folder / entry["file"], 2, pointfile.check))


def held_against_rtl(name, folder):
    entry, network = next(entry for entry in ENTRIES if entry["name"] == name), load(folder / f"networks/{name}.spikegate")
    if name.startswith("1-"):
        g = GEOMETRIES[name[2:]]
        with NativeCore(build_core(g).path, g) as core:
            recording = run_loaded(core, g, network, None)
    else:
        g = core_of(name.split("-")[1])
        recording = PointRtl(g.lanes, g).run(network, trace=True)
    assert "lfsr" not in recording.final
    return check.problem(entry, 0, answer(network, recording), folder)


ON_CORES = [name for name in NETWORKS if name[2:] in GEOMETRIES or name.split("-")[1] in CORES and name[-1].isdigit()]
QUICK = ("1-stochastic-wrap", "1-sobol", "1-store", "2-mixed-0", "2-adapting-1")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in ON_CORES])
def test_the_rtl_passes(name, folder):
    assert held_against_rtl(name, folder) == ""


def test_rtl_of_another_network_does_not_pass(folder, tmp_path):
    """Negative control."""
    changed = unpacked({name: data for name, data in FILES().items() if name == "networks/1-stochastic-wrap.spikegate"}, tmp_path)
    network = load(changed / "networks/1-stochastic-wrap.spikegate")
    network.replace(seeds=network.seeds ^ np.uint64(1 << 31)).save(changed / "networks/1-stochastic-wrap.spikegate")
    (changed / "answers").symlink_to(folder / "answers")
    assert "line" in held_against_rtl("1-stochastic-wrap", changed)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (k % 7 > 0)) for k, name in enumerate(DEFECTS)])
def test_a_defect_of_the_engine_in_c_is_found(name, folder, tmp_path):
    assert next(found(folder, [str(build(tmp_path, name))], [name.startswith("reader")]), "")


def test_the_table_of_the_page_has_every_defect():
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.endswith("` |") and line.count("|") == 3]
    rows = [row for row in rows if row[0] in DEFECTS]
    assert [row[0] for row in rows] == [*DEFECTS]
    names = {entry["name"] for entry in ENTRIES}
    assert all(row[1].strip("`") in names for row in rows)


@pytest.mark.long
def test_the_table_of_the_page_is_current(folder):
    assert table(folder) in PAGE.read_text()


def test_other_answers_and_a_bad_folder_are_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kit, "made", lambda: {"kit.json": b"{}\n"})
    assert kit.main(["--out", str(tmp_path / "kit.zip")]) == 1 and "the answers are not those of kit.json" in capsys.readouterr().err
    assert kit.main(["--out", "/proc/none/kit.zip"]) == 2 and "cannot be written" in capsys.readouterr().err
