"""How far engines are, as `simulate` tells it: bars on a terminal, tenths elsewhere, each line at once."""

from types import SimpleNamespace

import numpy as np

from spikegate import simulate as face


def test_on_a_terminal_each_engine_has_a_bar_that_goes_to_its_end(monkeypatch):
    bars = []

    class Bars:
        def __init__(self, *columns, console):
            bars.append(("made", len(columns), console.stderr))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            bars.append("closed")

        def add_task(self, name, total, start):
            bars.append(("task", name, total, start))
            return name.upper()

        def start_task(self, task):
            bars.append(("start", task))

        def update(self, task, completed):
            bars.append((task, completed))

    terminal = SimpleNamespace(isatty=lambda: True, write=lambda text: len(text), flush=lambda: None)
    monkeypatch.setattr(face, "Progress", Bars)
    for out, err, used in ((True, True, True), (True, False, False), (False, True, False)):
        del bars[:]
        monkeypatch.setattr(face.sys, "stdout", terminal if out else SimpleNamespace(isatty=lambda: False))
        monkeypatch.setattr(face.sys, "stderr", terminal if err else SimpleNamespace(isatty=lambda: False, write=lambda text: 0, flush=lambda: None))
        with face._progress(["a", "b"]) as tell:
            for name, fraction in (("a", 0.0), ("b", 0.0), ("a", 0.5), ("a", 1.0)):
                tell(name, fraction)
        assert bars == ([("made", 4, True), ("task", "a", 1.0, False), ("task", "b", 1.0, False), ("start", "A"), ("A", 0.0), ("start", "B"),
                         ("B", 0.0), ("A", 0.5), ("A", 1.0), "closed"] if used else [])


def test_tenths_are_said_once_each_and_only_upwards(capsys):
    with face._progress(["a"]) as tell:
        for fraction in (*np.arange(0, 1, 0.03), 0.05, 0.999, 1.0, 1.0):
            tell("a", float(fraction))
    assert capsys.readouterr().err.splitlines() == [f"spikegate: a {word}" for word in ("started", *(f"{k}0 %" for k in range(1, 10)), "finished")]


def test_a_line_is_there_at_once(monkeypatch):
    told = []
    monkeypatch.setattr(face.sys, "stderr", SimpleNamespace(write=told.append, flush=lambda: told.append("flush")))
    face.say("a line")
    assert told == ["spikegate: a line", "\n", "flush"]
