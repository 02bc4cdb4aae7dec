"""The picture of a run, artist by artist: what is drawn of hand-made recordings, where, and in which look. Nothing is rendered."""

import io
from dataclasses import replace

import numpy as np
import pytest

from spikegate.cosim.results.explore_figure import explore_figure
from spikegate.cosim.results.figure import drawing, figure
from spikegate.cosim.results.sweep_figure import sweep_figure
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
        if isinstance(part, io.BytesIO):  # Matplotlib asks for what it draws with, to know how large a text is
            return canvas.figure.draw(canvas.get_renderer())
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


def test_the_raster_has_each_populations_first_neurons_of_the_last_400_ms(drawn, tmp_path, network):
    fig, (top, *_) = picture(drawn, tmp_path, network, recordings())
    exc, inh = top.lines
    # 200 of 300 neurons: 160 of 240 and 40 of 60, which follow them.
    late = sorted([[359.9, 2], [360, 2], [370, 2], [390, 2], [410, 2], *([step / 10, 1] for step in range(3610, 3650))])
    assert exc.get_xydata() == pytest.approx(np.array([[20.0, 0], [20.0, 159], [40.0, 0], [60.0, 0], *late]))
    assert inh.get_xydata() == pytest.approx(np.array([[30.0, 160], [31.0, 199]]))
    for one, color in ((exc, "#20639b"), (inh, "#d1495b")):
        look = one.get_color(), one.get_marker(), one.get_markersize(), one.get_markeredgewidth(), one.get_linestyle(), one.get_rasterized()
        assert look == (color, "|", 3.6, 1.1, "None", True)
    names = (("excitatory", 1.002, 0.4, "#20639b"), ("inhibitory", 1.002, 0.9, "#d1495b"))
    assert texts(top) == [(*name, 90.0, "center", "left") for name in names]
    assert (top.get_title("left"), top.get_ylabel(), top.get_ylim(), top.get_xlim()) == ("Spikes of the RTL, 200 of 300 neurons", "neuron (shown)",
                                                                                         (-1, 200), (20.0, 420.0))
    assert not top.xaxis.get_tick_params()["labelbottom"]
    assert all(text.get_transform() == top.transAxes for text in top.texts)


def test_the_rate_is_that_of_bins_of_a_millisecond(drawn, tmp_path, network):
    _, (_, ax, *_) = picture(drawn, tmp_path, network, recordings())
    floats, rtl = ax.lines
    assert line(floats)[:3] == ("Brian2 float (statistical only)", "#e08e0b", 1.1) and line(rtl)[:3] == ("RTL", "#20639b", 1.4)
    assert rtl.get_xdata() == pytest.approx(np.arange(20, 420) + 0.5)
    # One spike of 300 neurons in a millisecond is 10/3 Hz.
    rates = dict(zip(rtl.get_xdata().round(1), rtl.get_ydata() * 0.3))
    assert {ms: round(rate, 9) for ms, rate in rates.items() if rate} == {20.5: 3, 30.5: 1, 31.5: 1, 32.5: 1, 40.5: 1, 60.5: 1, 359.5: 1, 360.5: 1,
                                                                          **{ms + 0.5: 10 for ms in range(361, 365)}, 370.5: 1, 390.5: 1, 410.5: 1}
    assert {ms: y for ms, y in zip(floats.get_xdata().round(1), floats.get_ydata().round(3)) if y} == {100.5: 3.333, 150.5: 3.333, 419.5: 3.333}
    assert (ax.get_title("left"), ax.get_ylabel(), ax.get_xlabel(), ax.get_xlim()) == ("Population rate, bins of 1 ms", "rate (Hz)", "time (ms)",
                                                                                        (20.0, 420.0))
    low, high = ax.get_ylim()
    assert low == 0 and high == pytest.approx(10 / 0.3 * 1.05 * 1.15)
    assert (ax.get_legend()._loc, ax.get_legend()._ncols) == (1, 2)


def test_a_bin_is_a_whole_number_of_steps_and_the_last_may_be_shorter(drawn, tmp_path):
    coarse = translate(preset("ai", n_exc=80, n_inh=20, dt=0.3, delay=1.5, refractory=2.1), ms=3.0)
    rtl = Recording("rtl", 100, 10, [(2, 0), (3, 0), (9, 0)])
    _, axes = picture(drawn, tmp_path, coarse, {"rtl": rtl})
    one, = axes[1].lines
    assert one.get_xydata().tolist() == pytest.approx(np.array([[0.45, 1 / 0.09], [1.35, 1 / 0.09], [2.25, 0], [3.15, 1 / 0.03]]))
    assert axes[1].get_title("left") == "Population rate, bins of 0.9 ms" and axes[0].get_xlim() == (0, pytest.approx(3.0))
    _, axes = picture(drawn, tmp_path, coarse.replace(dt_ns=3_000_000), {"rtl": Recording("rtl", 100, 10, [(2, 0)])})
    assert axes[1].get_title("left") == "Population rate, bins of 3 ms"


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


def test_a_run_of_some_seconds_is_drawn_where_its_spikes_are(drawn, tmp_path, network):
    """A time in nanoseconds does not fit in the 32 bits of a recording's steps."""
    long = network.replace(steps=60_000)
    held = {"rtl": Recording("rtl", 300, 60_000, [(100, 3), (30_100, 3), (57_000, 3), (59_999, 3)])}
    _, axes = picture(drawn, tmp_path, long, held)
    assert axes[0].lines[0].get_xydata() == pytest.approx(np.array([[5700.0, 3], [5999.9, 3]])) and axes[0].get_xlim() == (5600.0, 6000.0)
    bars = [(bar.get_x() <= ms < bar.get_x() + bar.get_width(), bar.get_height()) for bar, ms in zip(
        (bar for bar in axes[3].patches if bar.get_height()), (299.9, 2690))]
    assert bars == [(True, pytest.approx(1 / 3))] * 2  # the longest of three, 3 s, is beyond what is shown


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
    figure(recordings(), network, tmp_path / "print.png", 300)
    assert drawn[-1].dpi == 300 and drawn[-1].get_size_inches().tolist() == [16, 10]
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


def tried(luts, off, leak=8, rounding="nearest", width=0.5):
    return {"luts": luts, "rate_hz_off": off, "rate_hz_within": width, "format": "q8.8", "leak_bits": leak, "rounding": rounding}


def test_an_exploration_is_drawn_by_its_own_rows_whatever_was_refused_before(drawn, tmp_path):
    rows = [{"refused": "x", "luts": None}, tried(900, -4.0), tried(500, 9.0, 6), tried(700, 5.0, 7, "floor", 2.0)]
    assert explore_figure(rows, [1, 3], rows[3], tmp_path / "explore.png") and not explore_figure(rows[:1], [], None, tmp_path / "none.png")
    (points, _, (bars,)), (_, front, best) = (ax := drawn[0].axes[0]).containers[0], ax.lines
    assert points.get_xydata().tolist() == [[900, 4.0], [500, 9.0], [700, 5.0]]
    assert np.array(bars.get_segments())[:, :, 1].tolist() == [[3.5, 4.5], [8.5, 9.5], [3.0, 7.0]]
    assert front.get_xydata().tolist() == [[700, 5.0], [900, 4.0]] and best.get_xydata().tolist() == [[700, 5.0]]
    assert [(text.get_text(), *text.xy) for text in ax.texts if text.get_text()] == [
        ("q8.8, leak 8", 900, 4.0), ("q8.8, leak 7, floor", 700, 5.0), ("q8.8, leak 6", 500, 9.0)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("LUTs of the core on an ECP5", "distance of the rate from the float's (%)")


def test_a_sweep_of_two_is_a_map_whose_axes_are_those_of_their_values(drawn, tmp_path):
    rows = [{"g": g, "eta": eta, "rate_hz": 10 * g + eta, "cv_isi": None, "correlation": eta} for g in (4, 5) for eta in (1, 2, 3)]
    assert sweep_figure(["g", "eta"], rows, tmp_path / "sweep.png") and not sweep_figure(["g", "eta", "x"], rows, tmp_path / "none.png")
    rate, cv, correlation, *_ = drawn[0].axes
    assert rate.images[0].get_array().tolist() == [[41, 42, 43], [51, 52, 53]] and correlation.images[0].get_array().tolist() == [[1, 2, 3]] * 2
    assert np.isnan(cv.images[0].get_array().filled(np.nan)).all() and rate.images[0].origin == "lower"
    for ax, title in ((rate, "rate (Hz)"), (cv, "CV of inter-spike intervals"), (correlation, "correlation, bins of 5 ms")):
        assert (ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()) == (title, "eta", "g")
        assert [text.get_text() for text in (*ax.get_xticklabels(), *ax.get_yticklabels())] == ["1", "2", "3", "4", "5"]
    assert sweep_figure(["g"], rows[::3], tmp_path / "line.png")
    assert drawn[1].axes[0].lines[0].get_xydata().tolist() == [[4, 41], [5, 51]] and drawn[1].axes[0].get_xlabel() == "g"
    sweep_figure(["name"], [{**row, "name": name} for row, name in zip(rows, "ab")], tmp_path / "bars.png")
    assert [bar.get_height() for bar in drawn[2].axes[0].patches] == [41, 42]
