"""Standard output and standard error before streams made by hand: what is written, what is dropped, what is raised, and what is closed."""

import errno
import io
import os
import sys
from types import SimpleNamespace

import pytest

from spikegate import streams
from spikegate.streams import _Output, standard_streams


class Stream(io.StringIO):
    """Of an encoding; it can fail, has a number, and counts how often it is flushed."""

    def __init__(self, encoding="utf-8", number=7, terminal=False):
        super().__init__()
        self.named, self.number, self.terminal, self.fails, self.flushed = encoding, number, terminal, None, 0

    encoding = property(lambda self: self.named)

    def fileno(self):
        return self.number

    def isatty(self):
        return self.terminal

    def write(self, text):
        if self.fails:
            raise self.fails
        return super().write(text)

    def flush(self):
        self.flushed += 1
        if self.fails:
            raise self.fails


@pytest.fixture
def system(monkeypatch):
    """System calls that are written down; /dev/null is number 40."""
    calls = []
    monkeypatch.setattr(streams, "os", SimpleNamespace(
        open=lambda path, how: calls.append(("open", path, how)) or 40, dup2=lambda new, old: calls.append(("dup2", new, old)),
        close=lambda number: calls.append(("close", number)), devnull=os.devnull, O_WRONLY=os.O_WRONLY))
    return calls


def test_text_goes_through_and_what_the_encoding_lacks_as_escapes():
    for encoding, shown in (("utf-8", "aü–\n"), ("latin-1", "aü\\u2013\n"), ("ascii", "a\\xfc\\u2013\n"), (None, "aü–\n")):
        inner = Stream(encoding)
        assert _Output(inner).write("aü–\n") == 4 and inner.getvalue() == shown
        assert _Output(inner).encoding == (encoding or "utf-8")
    assert _Output(Stream()).write("\udcff") == 1


def test_it_is_what_the_stream_is():
    assert (_Output(Stream(number=5)).fileno(), _Output(Stream()).writable()) == (5, True)
    assert [_Output(Stream(terminal=terminal)).isatty() for terminal in (True, False)] == [True, False]
    nothing = _Output(None)
    assert nothing.write("abc") == 3 and nothing._stream.getvalue() == "abc" and nothing.encoding == "utf-8"


def gone(number=errno.EPIPE):
    return OSError(number, os.strerror(number))


NULL = [("open", os.devnull, os.O_WRONLY), ("dup2", 40, 7), ("close", 40)]


@pytest.mark.parametrize("call, answer", [(lambda out: out.write("x"), 1), (lambda out: out.flush(), None)], ids=["write", "flush"])
def test_nobody_who_reads_is_no_error_and_anything_else_is(system, call, answer):
    out = _Output(inner := Stream())
    inner.fails = gone()
    assert call(out) == answer and system == NULL
    inner.fails = gone(errno.ENOSPC)
    with pytest.raises(OSError, match="No space left"):
        call(out)


def test_what_cannot_be_written_in_the_end_is_dropped_for_good(system):
    out = _Output(inner := Stream())
    out.end()
    assert inner.flushed == 1 and system == []
    inner.fails = gone(errno.ENOSPC)
    out.end()
    assert system == NULL[:3] and inner.flushed == 3

    class Closed(Stream):
        def fileno(self):
            raise ValueError("closed")
    closed = Closed()
    closed.fails = gone()
    _Output(closed).end()


def test_inside_both_streams_are_replaced_and_flushed_in_the_end(monkeypatch):
    out, err = Stream(), Stream()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with pytest.raises(KeyError), standard_streams():
        assert (type(sys.stdout), type(sys.stderr)) == (_Output, _Output) and sys.stdout._stream is out and sys.stderr._stream is err
        print("out")
        print("err", file=sys.stderr)
        raise KeyError
    assert (out.getvalue(), err.getvalue()) == ("out\n", "err\n") and sys.stdout is out and sys.stderr is err
    assert out.flushed >= 1 and err.flushed >= 1


@pytest.mark.parametrize("numbers", [(3,), (1, 5), (0, 1, 2, 3), (9,)])
def test_the_three_streams_are_open_before_anything_else_is(monkeypatch, numbers):
    calls, free = [], iter(numbers)
    monkeypatch.setattr(streams, "os", SimpleNamespace(open=lambda path, how: calls.append((path, how)) or next(free), close=calls.append,
                                                       devnull=os.devnull, O_RDWR=os.O_RDWR))
    with standard_streams():
        pass
    assert calls == [*[(os.devnull, os.O_RDWR)] * len(numbers), numbers[-1]]
