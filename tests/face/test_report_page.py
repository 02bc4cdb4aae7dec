"""The report page at its real entry, and in a browser: it opens at once and alone, zooms, and shows a failure as one."""

import json
import shlex
from dataclasses import replace

import pytest
from browser import Browser
from command import SMALL, run
from report_pages import Page, page_of, run_of

from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate

READY = "!!document.querySelector('#raster .bk-Figure') && document.readyState === 'complete'"
PLACE = "(() => {{ const r = document.querySelector({!r}).getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; }})()"
RANGE = "(() => {{ const r = Bokeh.documents[0].roots()[{}].x_range; return [r.start, r.end]; }})()"


def test_a_run_leaves_its_page_and_a_picture_for_print(capsys, tmp_path):
    places = ["--out", str(tmp_path / "o o"), "--figure", str(tmp_path / "new" / "print.svg")]
    words = ["sim", *SMALL, "--lanes", "10", "--sabotage", "threshold", *places]
    code, _, err = run(capsys, *words)
    page, whole = Page((tmp_path / "o o" / "report.html").read_text()), json.loads((tmp_path / "o o" / "report.json").read_text())
    assert code == 1 and (f"spikegate: report {tmp_path}/o o/report.json, page {tmp_path}/o o/report.html, picture {tmp_path}/o o/sim.png and "
                          f"{tmp_path}/new/print.svg") in err
    assert whole["provenance"]["command"] == shlex.join(["spikegate", *words]) and whole["provenance"]["command"] in page.said
    assert 'class="verdict FAILED"' in page.text and page.addresses == [] and "is in mismatch.vcd" in page.said
    first = whole["checks"][0]["first_divergence"]
    assert f"RTL = golden: step {first['step']}, neuron {first['neuron']}, {first['signal']}: rtl {first['values'][0]}, golden" in page.said
    assert [row[0] for row in page.tables["engines"][1:]] == list(whole["engines"]) and len(whole["engines"]) == 6
    assert len(page.tables["checks"]) == 1 + len(whole["checks"]) and page.tables["checks"][1][7] == "FAILED"
    assert (tmp_path / "new" / "print.svg").read_text().startswith("<?xml") and (tmp_path / "o o" / "sim.png").exists()
    assert Network.load(tmp_path / "o o" / "network.spikegate").hash in page.said


@pytest.mark.parametrize("name, words", [("x.bmp", ["--figure must end in .png, .svg, .pdf", "x.bmp"]), ("x", ["--figure must end in"]),
                                         ("file/y/x.pdf", ["cannot be written (Not a directory); choose another with --figure"])])
def test_a_picture_that_cannot_be_is_refused_before_any_work(capsys, no_work, tmp_path, name, words):
    (tmp_path / "file").write_text("")
    code, out, err = run(capsys, "sim", *SMALL, "--out", tmp_path / "out", "--figure", tmp_path / name)
    assert code == 2 and out == "" and len(err) == 1 and all(word in err[0] for word in words)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of the preset `ai` at its own size, sound, and another whose golden model differs at step 5000."""
    sound = run_of(translate(preset("ai"), ms=1000))
    golden = sound.results["golden"]
    v = golden.recording.trace["v"].copy()
    v[5000:5003, 7] += 5
    trace = {**golden.recording.trace, "v": v}
    failed = replace(sound, results={**sound.results, "golden": golden._replace(recording=replace(golden.recording, trace=trace))})
    paths = {}
    for name, ran in (("sound", sound), ("failed", failed)):
        paths[name] = tmp_path_factory.mktemp("pages") / f"{name}.html"
        paths[name].write_text(page_of(ran, command="spikegate sim --set a='b c'")[2].text)
    return paths


@pytest.mark.long
def test_a_page_of_a_second_opens_within_two_seconds_and_asks_for_nothing(browser, pages):
    took = []
    for _ in range(3):
        browser.open(pages["sound"], READY)
        took.append(browser.ask("performance.now()") / 1000)
        assert browser.errors == [] and len(browser.requests) >= 1
        assert [address for address in browser.requests if not address.startswith(("file:", "data:"))] == []
    assert min(took) < 2.0 and pages["sound"].stat().st_size < 5_000_000, took


@pytest.mark.long
def test_a_box_drawn_in_the_raster_zooms_it_and_the_rates_and_reset_brings_all_back(browser, pages, tmp_path):
    browser.open(pages["sound"], READY)
    browser.ask("document.getElementById('raster').scrollIntoView()")
    browser.picture(tmp_path / "before.png")
    before = [browser.ask(RANGE.format(root)) for root in range(3)]
    assert before[0] == [0, 1000] == before[1]
    x, y, width, height = browser.ask(PLACE.format("#raster .bk-Figure"))
    browser.mouse((x + 0.3 * width, y + 0.4 * height), (x + 0.4 * width, y + 0.5 * height), (x + 0.5 * width, y + 0.7 * height))
    after = [browser.ask(RANGE.format(root)) for root in range(3)]
    assert 200 < after[0][0] < 350 and 400 < after[0][1] < 550 and after[1] == after[0] and after[2] == before[2]
    browser.picture(tmp_path / "after.png")
    assert (tmp_path / "before.png").read_bytes() != (tmp_path / "after.png").read_bytes()
    browser.ask("Bokeh.documents[0].roots().slice(0, 2).forEach(plot => Bokeh.index.find_one(plot).reset())")
    assert browser.ask(RANGE.format(0)) == before[0]


@pytest.mark.long
def test_a_failure_is_red_and_its_divergence_is_on_the_first_screen(browser, pages):
    colours = {}
    for name in ("sound", "failed"):
        browser.open(pages[name], READY)
        colours[name] = browser.ask("getComputedStyle(document.getElementById('verdict')).backgroundColor")
    assert colours == {"sound": "rgb(29, 122, 70)", "failed": "rgb(179, 38, 30)"} and browser.errors == []
    assert browser.ask(PLACE.format("#divergence"))[1] < 400 and browser.ask("document.title").startswith("FAILED")
    shown = browser.ask("[...document.querySelectorAll('.steps td.differs')].map(cell => cell.textContent)")
    assert len(shown) == 6 and browser.ask("getComputedStyle(document.querySelector('.steps td.differs')).backgroundColor") == "rgb(246, 184, 178)"
    canvas = "document.querySelectorAll('.bk-Figure').length"
    assert browser.ask(canvas) == 4 + 5


@pytest.mark.long
def test_the_button_copies_the_command(browser, pages):
    browser.open(pages["sound"], READY)
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.ask("document.getElementById('copy').click()")
    assert browser.ask("navigator.clipboard.readText()") == "spikegate sim --set a='b c'"
    assert browser.ask("document.getElementById('copy').textContent") == "Copied"
