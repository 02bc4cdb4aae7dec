"""The picture of a run, artist by artist: what is drawn of hand-made recordings, where, and in which look. Nothing is rendered."""

from dataclasses import replace

import numpy as np
import pytest

from spikegate.cosim.results.figure import drawing, figure
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

#: 4,200 steps of 0.1 ms: the raster begins at 20 ms, the membrane at 360 ms.
STEPS = 4200


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=240, n_inh=60), name="small", ms=STEPS / 10)


@pytest.fixture
def drawn(monkeypatch):
    figures = []

    def keep(canvas, part):
        figures.append(canvas.figure)
        part.write(b"png") if hasattr(part, "write") else open(part, "wb").close()
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.print_png", keep)
    return figures


def recordings(**more):
    v = np.zeros((STEPS, 300), np.int64)
    v[:, 2] = np.arange(STEPS)
    rtl = Recording("rtl", 300, STEPS, [(199, 5), (200, 0), (200, 159), (201, 160), (300, 240), (310, 279), (320, 280), (400, 0), (600, 0),
                                        *((step, 2) for step in (3599, 3600, 3700, 3900, 4100)), *((step, 1) for step in range(3610, 3650))],
                    trace={"v": v})
    floats = replace(rtl, engine="brian2_float", spikes=[(1000, 7), (1500, 7), (4199, 8)], trace={"v": v / 7})
    return {"rtl": rtl, "golden": replace(rtl, engine="golden"), "brian2_integer": replace(rtl, engine="brian2_integer"), "brian2_float": floats,
            "brian2_ordered": replace(floats, engine="brian2_ordered", spikes=[]), **more}


def picture(drawn, tmp_path, network, held):
    figure(held, network, tmp_path / "sim.png")
    return drawn[-1], drawn[-1].axes


def line(one):
    look = (one.get_color(), one.get_linewidth(), one.get_linestyle(), one.get_marker(), one.get_alpha(), one.get_zorder())
    return (one.get_label(), *look)


def texts(ax):
    return [(text.get_text(), *text.get_position(), text.get_color(), text.get_rotation(), text.get_va(), text.get_ha()) for text in ax.texts]


def test_intervals_are_those_of_each_neuron(drawn, tmp_path, network):
    _, axes = picture(drawn, tmp_path, network, recordings())
    ax = axes[3]
    assert (ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()) == ("Inter-spike intervals", "interval (ms)", "share of intervals")
    # RTL: 20 and 20 ms of neuron 0; 0.1, 10, 20, 20 of neuron 2; 39 of 0.1 of neuron 1. Brian2: 50 ms of neuron 7.
    both = [20, 20, 0.1, 10, 20, 20, *[0.1] * 39, 50]
    edges = np.linspace(0, np.quantile(both, 0.975), 45)
    assert ax.get_xlim() == (0, pytest.approx(edges[-1]))
    bars = [patch for patch in ax.patches if hasattr(patch, "get_height")]
    assert len(bars) == 44 and [bar.get_x() for bar in bars] == pytest.approx(edges[:-1])
    expected = np.histogram(both[:-1], edges)[0] / 45
    assert [bar.get_height() for bar in bars] == pytest.approx(expected) and sum(expected) > 0.9
    assert bars[0].get_facecolor()[3] == 0.35 and bars[0].get_facecolor()[:3] == pytest.approx((0x20 / 255, 0x63 / 255, 0x9b / 255))
    outline, = (patch for patch in ax.patches if not hasattr(patch, "get_height"))
    assert (outline.get_linewidth(), outline.get_fill()) == (1.8, False)
    assert outline.get_edgecolor()[:3] == pytest.approx((0xe0 / 255, 0x8e / 255, 0x0b / 255))
    assert ax.get_legend()._loc == 1 and [text.get_text() for text in ax.get_legend().get_texts()] == ["RTL", "Brian2 float"]


def test_without_intervals_the_picture_says_so(drawn, tmp_path, network):
    _, axes = picture(drawn, tmp_path, network, {"rtl": replace(recordings()["rtl"], spikes=[(5, 1)])})
    assert texts(axes[3]) == [("no neuron spiked twice", 0.5, 0.5, "black", 0.0, "baseline", "center")] and axes[3].get_legend() is None
    assert axes[3].get_xlim() == (0, 1) and axes[3].texts[0].get_transform() == axes[3].transAxes
    _, axes = picture(drawn, tmp_path, network, {"rtl": replace(recordings()["rtl"], spikes=[(5, 1), (7, 1)])})
    assert axes[3].get_xlim() == (0, 1)


def test_the_membrane_is_that_of_a_neuron_with_about_four_spikes_in_the_last_60_ms(drawn, tmp_path, network):
    _, axes = picture(drawn, tmp_path, network, recordings())
    ax = axes[2]
    assert ax.get_title("left") == "Membrane of neuron 2: RTL, golden model and Brian2, same integers are one line"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xlim()) == ("time (ms)", "membrane (mV)", (pytest.approx(360.0), pytest.approx(420.0)))
    *traces, threshold = ax.lines
    assert [line(one) for one in traces[:2]] == [("RTL", "#9ec6e8", 6, "-", "None", None, 2), ("golden model", "#20639b", 2.2, "-", "None", None, 2)]
    assert line(traces[2])[:3] == ("Brian2, same integers", "#222222", 1.3) and traces[2]._unscaled_dash_pattern == (0, (1.5, 2.5))
    assert line(traces[3]) == ("Brian2 float (statistical only)", "#e08e0b", 0.9, "-", "None", 0.9, 0.5)
    assert traces[0].get_solid_capstyle() == "round"
    for one in traces[:3]:
        assert one.get_xdata() == pytest.approx(np.arange(3600, 4200) / 10) and one.get_ydata() == pytest.approx(np.arange(3600, 4200) / 256)
    assert traces[3].get_ydata() == pytest.approx(np.arange(3600, 4200) / 7)
    assert threshold.get_ydata() == [20.0, 20.0] and line(threshold)[1:4] == ("#777777", 0.8, "--")
    note, = ax.texts
    assert (note.get_text(), note.xy, note.xyann, note.xycoords, note.anncoords) == ("threshold", (1, 20.0), (3, 0), ("axes fraction", "data"),
                                                                                   "offset points")
    assert (note.get_color(), note.get_va(), note.get_fontsize(), note.get_rotation()) == ("#555555", "center", 8, 90)
    bars, = ax.collections
    ends = np.array(bars.get_segments())
    assert ends[:, :, 0] == pytest.approx(np.array([[360, 360], [370, 370], [390, 390], [410, 410]])) and ends[:, 0, 1] == pytest.approx(20)
    low, high = ends[0, 1, 1], ax.get_ylim()
    # The axis before: from 3600/256 to 4199/7, and a twentieth of that around it.
    span = 4199 / 7 - 3600 / 256
    bottom = 3600 / 256 - span / 20
    assert low == pytest.approx(20 + 0.09 * (20 - bottom)) and bars.get_linewidth()[0] == 1.8
    assert high[1] == pytest.approx(20 + 0.22 * (20 - bottom)) and high[0] == pytest.approx(bottom - 0.2 * (high[1] - bottom))
    legend = ax.get_legend()
    assert (legend._loc, legend._ncols, legend._fontsize, legend.columnspacing) == (8, 4, 9, 1.4)


def test_the_membrane_says_whose_lines_agree_and_draws_whichever_float_ran_first(drawn, tmp_path, network):
    held = recordings()
    other = replace(held["golden"], trace={"v": held["golden"].trace["v"] + 1})
    for some, words in (({**held, "golden": other}, ""), ({"rtl": held["rtl"]}, ""),
                        ({name: held[name] for name in ("rtl", "golden", "brian2_ordered")}, ": RTL and golden model are one line")):
        _, axes = picture(drawn, tmp_path, network, some)
        assert axes[2].get_title("left") == "Membrane of neuron 2" + words
    assert line(axes[2].lines[2])[0] == "Brian2 float, as realised (statistical only)"
    _, axes = picture(drawn, tmp_path, network, {"rtl": replace(held["rtl"], trace={})})
    assert texts(axes[2]) == [("membranes were not recorded for this size of run", 0.5, 0.5, "black", 0.0, "baseline", "center")]
    assert axes[2].texts[0].get_transform() == axes[2].transAxes and axes[2].get_legend() is None
    silent, ms = replace(held["rtl"], spikes=[(3599, 0), (3600, 5), (3601, 5)]), {}
    _, axes = picture(drawn, tmp_path, network, {"rtl": silent})
    assert axes[2].get_title("left") == "Membrane of neuron 5" and not ms


def test_the_whole_has_a_title_a_size_and_its_places(drawn, tmp_path, network):
    fig, axes = picture(drawn, tmp_path, network, recordings())
    title = fig._suptitle
    assert title.get_text() == ("Network “small”, v3: 240 excitatory and 60 inhibitory neurons as RTL in q8.8, 4,200 steps of 0.1 ms")
    assert (title.get_fontsize(), title.get_position()[0], title.get_ha()) == (14, 0.01, "left")
    assert fig.get_size_inches().tolist() == [16, 10] and fig.dpi == 100 and type(fig.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    places = [(ax.get_subplotspec().rowspan, ax.get_subplotspec().colspan) for ax in axes]
    assert places == [(range(0, 1), range(0, 3)), (range(1, 2), range(0, 3)), (range(2, 3), range(0, 2)), (range(2, 3), range(2, 3))]
    grid = axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols, list(grid.get_height_ratios())) == (3, 3, [5, 2.2, 3.8])
    assert axes[0].get_shared_x_axes().joined(axes[0], axes[1])
    top = axes[0]
    assert not top.spines["top"].get_visible() and not top.spines["right"].get_visible() and top.spines["left"].get_visible()
    assert (top.title.get_fontsize(), top._left_title.get_fontweight(), top._left_title.get_fontsize()) == (11, "bold", 11)
    assert (top.yaxis.label.get_fontsize(), top.yaxis.label.get_color(), top.spines["left"].get_edgecolor()[0]) == (10, "#222222", 0x77 / 255)
    assert not axes[1].get_legend().get_frame_on()


def test_a_drawing_leaves_no_trace_and_knows_no_matplotlibrc(drawn, tmp_path):
    import matplotlib
    with matplotlib.rc_context({"lines.linewidth": 77.0}):
        with drawing({"font.size": 3}, tmp_path / "a.png", figsize=(2, 1)) as fig:
            assert (matplotlib.rcParams["lines.linewidth"], matplotlib.rcParams["font.size"], fig.get_size_inches().tolist()) == (1.5, 3, [2, 1])
            assert np.geterr()["divide"] == "ignore"
        assert matplotlib.rcParams["lines.linewidth"] == 77.0
    assert (tmp_path / "a.png").exists() and drawn == [fig]
