"""Standard output and standard error as they may be: closed, a pipe that nobody reads any more, a notebook's, or unable to say a character."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO

__all__ = ["standard_streams"]


@contextmanager
def standard_streams() -> Iterator[None]:
    """Inside, output whose reader has gone is dropped, and no verdict changes for it."""
    with suppress(OSError):
        # Were one of the three closed, the next file to be opened would become it.
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)
    out, err = _Output(sys.stdout), _Output(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield
        finally:
            for stream in (out, err):
                stream.end()


class _Output(io.TextIOBase):
    """A text stream before another, which may be None."""

    def __init__(self, stream: TextIO | None):
        self._stream = io.StringIO() if stream is None else stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Write text, what the encoding lacks (a file's name need not be text) as escapes."""
        try:
            self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        except OSError as error:
            self._gone(error)
        return len(text)

    def flush(self) -> None:
        """Flush, unless nobody reads."""
        try:
            self._stream.flush()
        except OSError as error:
            self._gone(error)

    def _gone(self, error: OSError) -> None:
        self.end()
        if error.errno != errno.EPIPE:
            raise error

    def end(self) -> None:
        """Flush; what cannot be written is dropped for good, or the interpreter would try it once more when it ends, and change the exit code."""
        try:
            self._stream.flush()
        except OSError:
            with suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self._stream.fileno())
                os.close(null)
                self._stream.flush()
