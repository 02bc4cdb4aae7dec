"""The client's end of the host link: a serial port, frames, and requests that are sent again until they are answered."""

import errno
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.hints import lacking
from spikegate.models.link.frames import FLAG, RUNNING, Answer, Deframer, Frame, Request, encode

__all__ = ["PATIENCE", "TRIES", "LinkError", "Line"]

#: Requests on their way; their sequence numbers are modulo 256.
WINDOW = 32
#: Seconds without an answer before a request is sent again, and how often that is done.
PATIENCE, TRIES = 1.0, 5


class LinkError(SpikegateError):
    """The board did not answer, refused, or data were lost."""


class Line:
    """A board on a serial port, as far as requests and answers go.

    Parameters
    ----------
    port : str
        Path of the device.
    bauds : sequence of int
        Rates that `find` tries, in this order.
    patience : float
        Seconds to wait for an answer before a request is sent again.

    Members
    -------
    running : bool
        Whether a run was under way when the board said something last.
    baud : int
        The rate in use.
    data : list of Frame
        DATA and DONE that have come.

    Raises
    ------
    InputError
        If the port does not exist, is in use, may not be opened or cannot have that baud rate.
    ToolMissing
        If pyserial is absent.
    """

    def __init__(self, port: str, bauds: Sequence[int], patience: float) -> None:
        self._frames: list[Frame]
        self.data: list[Frame]
        self.port, self.bauds, self.baud, self.patience = port, tuple(bauds), bauds[0], patience
        self._serial, self._deframer, self._frames, self._seq = _open(port, bauds[0]), Deframer(), [], 0
        self.running, self.data = False, []

    def close(self) -> None:
        """Give the port back."""
        self._serial.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self) -> bytes:
        """The IDENTITY, at the first rate at which a board answers.

        Raises
        ------
        LinkError
            If none does.
        """
        for baud in self.bauds * TRIES:
            self.baud = baud
            try:
                self._serial.baudrate = baud
            except ValueError:
                continue  # the converter cannot
            self._serial.reset_input_buffer()
            self._deframer = Deframer()
            self._serial.write(bytes([FLAG]))
            if answer := self._asked(Request.IDENTIFY, Answer.IDENTITY, 1):
                return answer.payload
        rates = " or ".join(f"{baud:,}" for baud in self.bauds)
        raise LinkError(f"No board answers on {self.port} at {rates} baud ({TRIES} tries); is it configured, and is this its port and rate? See "
                        "docs/bring_up.md")

    def order(self, kind: Request, payloads: Sequence[bytes], progress: Callable[[float], None] | None = None) -> None:
        """LOADs, RUNs or EVENTS, executed once each and in order: always back to the first that the board has not yet executed.

        Raises
        ------
        LinkError
            If the board refuses one, or stops answering.
        """
        first = following = tries = 0
        gone_back = -1
        while first < len(payloads):
            while following < min(first + WINDOW, len(payloads)):
                self._send(kind, self._seq + following, payloads[following])
                following += 1
            answer = self.answer(self.patience)
            if answer is None:
                if (tries := tries + 1) == TRIES:
                    raise LinkError(f"Board on {self.port} stopped answering after {first:,} of {len(payloads):,} requests; check power and cable")
                following = first
                continue
            if (executed := (answer.seq - self._seq - first) % 256) <= following - first:
                first, tries = first + executed, 0 if executed else tries
                if progress and executed:
                    progress(first / len(payloads))
            if answer.answer == Answer.SEQUENCE and gone_back != first < following:
                gone_back, following = first, first
            elif answer.answer in (Answer.BUSY, Answer.TYPE, Answer.LENGTH, Answer.ARGUMENT, Answer.LATE, Answer.CHANNEL):
                raise LinkError(f"Board on {self.port} refused a {kind.name}: {answer.answer.name}")
        self._seq = (self._seq + len(payloads)) % 256

    def _send(self, kind: Request, seq: int, payload: bytes = b"") -> None:
        self._serial.write(encode(Frame(kind, seq % 256, payload)))

    def ask(self, kind: Request, wanted: Answer) -> bytes:
        """A request that may be repeated: the payload of its answer.

        Raises
        ------
        LinkError
            If there is none.
        """
        if answer := self._asked(kind, wanted, TRIES):
            return answer.payload
        raise LinkError(f"Board on {self.port} stopped answering at {self.baud:,} baud ({TRIES} tries); check power and cable")

    def _asked(self, kind: Request, wanted: Answer, tries: int) -> Frame | None:
        self.answer(0.0)
        self._frames.clear()
        for _ in range(tries):
            self._send(kind, 0)
            deadline = time.monotonic() + self.patience
            while (left := deadline - time.monotonic()) > 0:
                answer = self.answer(left)
                if answer and answer.answer == wanted:
                    return answer
        return None

    def answer(self, patience: float, *, or_data: bool = False) -> Frame | None:
        """The next frame that is no data of a run; None after so many seconds, or, ``or_data``, as soon as there are some."""
        deadline = time.monotonic() + patience
        while not self._frames:
            self._serial.timeout = max(0.0, min(0.05, deadline - time.monotonic()))
            heard = self._serial.read(max(1, self._serial.in_waiting))
            for frame in self._deframer.feed(heard):
                self.running = bool(frame.type & RUNNING)
                (self.data if frame.answer in (Answer.DATA, Answer.DONE) else self._frames).append(frame)
            if not self._frames and (time.monotonic() >= deadline or (or_data and self.data)):
                return None
        return self._frames.pop(0)


def _open(port: str, baud: int) -> Any:
    try:
        import serial
        from serial.tools import list_ports
    except ModuleNotFoundError:
        raise lacking("pyserial", "sim") from None
    try:
        return serial.Serial(port, baud, exclusive=True, write_timeout=30)
    except ValueError as error:
        raise InputError(f"Port {port} cannot have {baud:,} baud ({error}); use the baud rate of the board") from None
    except (serial.SerialException, OSError) as error:
        number = error.errno
        if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
            found = ", ".join(sorted(each.device for each in list_ports.comports())) or "none"
            raise InputError(f"Port {port} does not exist; ports found: {found}") from None
        if number in (errno.EBUSY, errno.EAGAIN):
            raise InputError(f"Port {port} is in use by another program; close that first") from None
        fix = "; add yourself to the group of the device (dialout)" if number == errno.EACCES else "; is it a serial port?"
        raise InputError(f"Port {port} cannot be opened ({error.strerror or error}){fix}") from None
