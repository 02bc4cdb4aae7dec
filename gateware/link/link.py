"""The link between a computer and the network core: frames over a UART, as docs/host_link.md."""

from typing import cast

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.events import EventQueue
from spikegate.gateware.link.receiver import FrameReceiver
from spikegate.gateware.link.requests import Requests
from spikegate.gateware.link.runner import CHOOSING, Runner
from spikegate.gateware.link.terms import link_terms
from spikegate.gateware.link.transmitter import NIBBLE, FrameTransmitter
from spikegate.models.errors import InputError
from spikegate.models.link.frames import Answer
from spikegate.models.link.payloads import MAX_NEURONS, MAX_ROW
from spikegate.models.link.point import MAX_SOURCES

__all__ = ["NARROW", "HostLink"]

#: Lanes of a sweep word that is cheaper to wait for than to buffer.
NARROW = 8


class HostLink(wiring.Component):
    """UART, frames, requests and runs; the core's ``i``, ``o`` and ``busy`` connect to the members of the same meaning.

    Above `NARROW` lanes two sweep words are buffered, so that no lane's clock enable waits for what the link does with a word.

    Parameters
    ----------
    geometry : CoreGeometry or PointGeometry
        Of the core.
    divisor : int
        Clock cycles of a bit, as `spikegate.models.link.uart.UartParams.divisor`.
    build : int
        32 bits that name the build.
    counts : bool
        Whether it counts the spikes of each neuron, and can send those of chosen neurons alone.

    Raises
    ------
    InputError
        If the link has no place for so many lanes or neurons, or the divisor is below 3.

    Members
    -------
    rx : In(1), tx : Out(1)
        The UART's lines.
    o : Out(stream.Signature(load_layout))
        To the core's ``i``.
    i : In(stream.Signature(sweep_layout))
        From the core's ``o``.
    busy : In(1)
        From the core.
    active : Out(1)
        Changes with every good frame from the host.
    error : Out(1)
        The last frame was dropped.
    running : Out(1)
        A run is under way.
    events : Out(stream.Signature(event_layout)), pending : Out(1)
        With a core of point neurons: to its ``events`` and ``pending``.
    more : Out(1), again : In(1)
        With a core that is asked for steps ahead: to and from the members of that name.
    """

    def __init__(self, geometry: CoreGeometry | PointGeometry, divisor: int, *, build: int = 0, counts: bool = False):
        for what, value, limit in (("Lanes", geometry.lanes, 8 * MAX_ROW), ("N", geometry.n, MAX_NEURONS)):
            if value > limit:
                raise InputError(f"{what} must be in 1..{limit} for the host link, not {value}; use fewer")
        self.geometry, self.divisor, self.counts, self.terms = geometry, divisor, counts, link_terms(geometry, counts)
        if self.terms.sources > MAX_SOURCES:
            raise InputError(f"Neurons and channels must be 1..{MAX_SOURCES:,} for the host link, not {self.terms.sources:,}; use fewer")
        self.identity = self.terms.identity(build)
        super().__init__({
            **({"events": Out(stream.Signature(cast(PointGeometry, geometry).event_layout())), "pending": Out(1)} if self.terms.sources else {}),
            **({"more": Out(1), "again": In(1)} if self.terms.ahead else {}),
            "rx": In(1, init=1), "tx": Out(1, init=1), "o": Out(stream.Signature(geometry.load_layout())),
            "i": In(stream.Signature(geometry.sweep_layout())), "busy": In(1),
            "active": Out(1), "error": Out(1), "running": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = FrameReceiver(self.divisor)
        m.submodules.transmitter = transmitter = FrameTransmitter(self.identity, self.divisor, 2 if self.terms.ahead else 1)
        m.submodules.requests = requests = Requests(self.geometry, self.counts)
        m.submodules.runner = runner = Runner(self.geometry, self.counts)
        connect(m, receiver.o, requests.i)
        connect(m, runner.o, transmitter.data)
        connect(m, requests.o, wiring.flipped(self.o))
        if self.terms.sources:
            self.connect_events(m, requests)
        if self.counts:
            m.d.comb += [getattr(runner, name).eq(getattr(requests, name)) for name in CHOOSING]
        answer = requests.answer
        wanted = Signal()
        busy = Signal()
        if self.geometry.lanes > NARROW:
            m.submodules.sweeps = sweeps = fifo.SyncFIFO(width=self.i.payload.shape().size, depth=2)
            m.d.comb += [sweeps.w_data.eq(self.i.payload), sweeps.w_en.eq(self.i.valid), self.i.ready.eq(sweeps.w_rdy),
                         runner.i.payload.eq(sweeps.r_data), runner.i.valid.eq(sweeps.r_rdy), sweeps.r_en.eq(runner.i.ready),
                         busy.eq(self.busy | sweeps.r_rdy)]
        else:
            connect(m, wiring.flipped(self.i), runner.i)
            m.d.comb += busy.eq(self.busy)
        held = wanted | (transmitter.busy & (transmitter.kind == Answer.STATUS & NIBBLE))
        moving, low, steps = busy, runner.cycles, requests.stepped
        if self.terms.ahead:
            moving, low, steps = busy & ~(runner.standing & self.i.valid & ~self.i.ready), Cat(runner.cycles, runner.steps), runner.turned
            m.d.comb += [self.more.eq(runner.more), runner.again.eq(self.again), requests.again.eq(self.again)]
        else:
            held = held | transmitter.behind
        m.d.comb += [
            receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx), receiver.finish.eq(requests.finish), self.running.eq(runner.running),
            # A STATUS waits for the end of a step, and the next step for it, or its first word: the counters then stand still.
            wanted.eq(answer.valid & (answer.payload == Answer.STATUS & NIBBLE)), transmitter.answer.payload.eq(answer.payload),
            transmitter.answer.valid.eq(answer.valid & ~(wanted & moving)), answer.ready.eq(transmitter.answer.ready),
            runner.hold.eq(held), transmitter.expected.eq(requests.expected), transmitter.marks.eq(Cat(runner.running, runner.overflow)),
            transmitter.low.eq(low),
            runner.aligned.eq(transmitter.aligned), transmitter.done.eq(runner.done), runner.finished.eq(transmitter.finished),
            runner.start.eq(requests.start), runner.stop.eq(requests.stop), runner.flags.eq(requests.flags), requests.running.eq(runner.running),
            requests.step.eq(runner.step), runner.stepped.eq(requests.stepped), runner.last.eq(requests.last), runner.busy.eq(busy),
            runner.works.eq(self.busy & ~(self.i.valid & ~self.i.ready)),
        ]
        counted = {"cycles": runner.cycle, "steps": steps, "events": runner.event, "dropped": receiver.bad, "overruns": receiver.overrun,
                   "line_errors": receiver.error}
        m.d.comb += [transmitter.count[name].eq(value) for name, value in counted.items()]
        with m.If(receiver.good):
            m.d.sync += [self.active.eq(~self.active), self.error.eq(0)]
        with m.If(receiver.bad):
            m.d.sync += self.error.eq(1)
        return m

    def connect_events(self, m: Module, requests: Requests) -> None:
        """The queue of events between requests and core."""
        m.submodules.events = queue = EventQueue(cast(PointGeometry, self.geometry))
        connect(m, queue.o, wiring.flipped(self.events))
        m.d.comb += [
            queue.begin.eq(requests.events_begin), queue.byte.eq(requests.events_byte), queue.en.eq(requests.events_en),
            queue.commit.eq(requests.events_commit), requests.events_answer.eq(queue.answer), queue.clear.eq(requests.cleared),
            queue.stepped.eq(requests.stepped), self.pending.eq(queue.pending),
        ]
