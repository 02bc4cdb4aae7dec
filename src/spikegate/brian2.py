"""Brian2's device ``spikegate``: two lines give a script of yours the hardware's own spikes in its monitors.

    import spikegate.brian2
    set_device("spikegate")

Options of ``set_device``: ``engine`` (``"golden"``, the bit-true model, or ``"rtl"``, the hardware itself in Verilator, held against it), ``lanes``,
``format`` and ``current_format`` (``"auto"``, or such as ``"q8.8"``), ``leak_fraction``, ``decay_fraction``, ``rounding`` and ``overflow``.
"""

import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from brian2.core.base import BrianObject
from brian2.devices.device import all_devices, reset_device, set_device

from spikegate.models.errors import InputError, Mismatch, SpikegateError
from spikegate.models.network.engine import Agreement, Engine, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.translator.importer.brian import clock_of, float_network
from spikegate.translator.importer.device import SpikegateDevice
from spikegate.translator.importer.foreseen import foreseen
from spikegate.translator.importer.formats import Choice
from spikegate.translator.importer.quantise import Quantised, quantise
from spikegate.translator.importer.result import Frozen, Result

__all__ = ["CheckedRtl", "Result", "check", "from_brian2", "result"]

OPTIONS = ("engine", "lanes", "format", "current_format", "leak_fraction", "decay_fraction", "rounding", "overflow")


@dataclass(frozen=True)
class CheckedRtl(Engine[PointNetwork]):
    """The RTL in Verilator, every spike and last state of it, and what is recorded of each step, held against the golden model.

    How many are equal, the recording's provenance says as ``held``: ``spikes`` and ``values``.
    """

    lanes: int = 8

    name, title, agreement = "rtl", "RTL", Agreement.BIT_TRUE

    def unsupported(self, network: PointNetwork) -> list[str]:
        return self._rtl(network).unsupported(network)

    def _rtl(self, network: PointNetwork) -> Engine[PointNetwork]:
        """That with rows on the chip; with rows in a memory outside where these are too large for it."""
        from spikegate.cosim.engines.point_rtl import PointRtl
        from spikegate.models.core.point_choice import ROW_SOURCES
        inside, outside = (PointRtl(min(self.lanes, network.n), rows=ROW_SOURCES[name]) for name in ("csr", "external"))
        return outside if inside.unsupported(network) and not outside.unsupported(network) else inside

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        from spikegate.models.core.point_golden import PointGolden
        found = self._rtl(network).run(network, trace=trace, progress=progress)
        golden = PointGolden().run(network, trace=trace)
        differ = [name for name in network.states if not np.array_equal(golden.final[name], found.final[name])]
        differ += [f"{name} of a step" for name, values in golden.trace.items()
                   if name not in found.trace or not np.array_equal(values, found.trace[name])]
        differ += ["spikes"] * (not np.array_equal(found.spikes, golden.spikes))
        if differ:
            raise Mismatch(f"RTL differs from the golden model in {', '.join(differ)}; save it, and run spikegate sim --network")
        held = {"spikes": len(golden.spikes), "values": sum(each.size for each in (*golden.final.values(), *golden.trace.values()))}
        return replace(found, provenance={**found.provenance, "held": held})


def _member(options: Mapping[str, Any], name: str, kind: Any, default: Any) -> Any:
    given = options.get(name, default)
    if isinstance(given, str) and given.upper() in kind.__members__:
        return kind[given.upper()]
    if not isinstance(given, kind):
        raise InputError(f"{name} must be {' or '.join(each.lower() for each in kind.__members__)}, not {given!r}")
    return given


def _format(options: Mapping[str, Any], name: str) -> QFormat | None:
    given = options.get(name, "auto")
    if given is None or given == "auto":
        return None
    return given if isinstance(given, QFormat) else QFormat.parse(given)


def _make(options: Mapping[str, Any]) -> tuple[Engine[PointNetwork], Choice]:
    """The engine and the formats that the options of ``set_device`` ask for."""
    if strange := sorted({*options} - {*OPTIONS}):
        raise InputError(f"Option {strange[0]!r} of the device spikegate is none; there are {', '.join(OPTIONS)}")
    engine, lanes = options.get("engine", "golden"), options.get("lanes", 8)
    if not isinstance(lanes, int) or isinstance(lanes, bool) or lanes < 1:
        raise InputError(f"lanes must be a whole number of 1 or more, not {lanes!r}")
    choice = Choice(_format(options, "format"), _format(options, "current_format"), options.get("leak_fraction"), options.get("decay_fraction"),
                    _member(options, "rounding", Rounding, Rounding.NEAREST), _member(options, "overflow", Overflow, Overflow.SATURATE))
    if isinstance(engine, Engine):
        return engine, choice
    if engine == "golden":
        from spikegate.models.core.point_golden import PointGolden
        return PointGolden(), choice
    if engine == "rtl":
        return CheckedRtl(lanes), choice
    raise InputError(f"engine must be golden or rtl, not {engine!r}; networks of point neurons do not run on boards yet")


def from_brian2(network: Any, duration: Any, *, namespace: Mapping[str, Any] | None = None, seed: int = 1, **options: Any) -> Quantised:
    """Freeze a `brian2.Network` as it stands, without running it.

    Parameters
    ----------
    network : brian2.Network
    duration : brian2.Quantity
        Of the run, seconds.
    namespace : Mapping, optional
        What names outside the model stand for; those where this is called by default.
    seed : int
        Of the random streams of the hardware.
    **options
        ``format`` and the others of ``set_device``.

    Raises
    ------
    InputError
        With a line for everything that cannot be carried over.
    """
    from brian2.core.namespace import get_local_namespace
    if (clock := clock_of(network.sorted_objects)) is None:
        raise InputError(f"Network {network.name!r} has nothing but monitors; add a NeuronGroup")
    steps = round(float(duration) / float(clock.dt_))
    _, choice = _make(options)
    floats = float_network(network, network.sorted_objects, get_local_namespace(1) if namespace is None else namespace, steps)
    return quantise(foreseen(floats, choice), choice, seed)


def _cause(error: BaseException) -> str:
    """The first line of what an error came from."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def check(script: str | Path, **options: Any) -> Quantised:
    """What would run of a script of Brian2, without running it: its first network, frozen.

    The script runs up to the first ``run`` of a network, as if it had ``set_device("spikegate")`` in its first line.

    Parameters
    ----------
    script : str or Path
    **options
        Those of ``set_device``.

    Raises
    ------
    InputError
        With a line for everything that is in the way; for a script that cannot be read, fails before, or runs no network.
    """
    path, before, folder = str(script), list(sys.argv), str(Path(script).resolve().parent)
    try:
        Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"Script {path} cannot be read ({getattr(error, 'strerror', error)}); give a file in Python") from error
    others = {*BrianObject.__instances__()}
    set_device("spikegate", **options)
    DEVICE.freeze_only, sys.argv = True, [path]
    sys.path.insert(0, folder)  # as Python does for a script
    try:
        runpy.run_path(path, run_name="__main__")
    except Frozen as frozen:
        return frozen.quantised
    except (InputError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"Script {path} ends before it runs a network ({_cause(error)}); see that Brian2 alone runs it") from error
    finally:
        DEVICE.freeze_only, sys.argv = False, before
        sys.path.remove(folder)
        reset_device()
        _left(others)
    raise InputError(f"Script {path} runs no network on this device; leave out its own set_device, and call run")


def _left(others: set[Any]) -> None:
    """Objects of a script that went no further: of those in no network Brian2 would say, whenever they are collected, that they were forgotten."""
    for each in {*BrianObject.__instances__()} - others:
        made = each()
        if getattr(made, "_network", "") is None:
            made._network = "of a script that was stopped"


def result() -> Result:
    """The last run of the device: frozen network, recording, quantities and warnings.

    Raises
    ------
    InputError
        If nothing has run.
    """
    found = DEVICE.result
    if found is None:
        raise InputError('Nothing has run on the device spikegate yet; call set_device("spikegate") before the network is made, and run it')
    return found


def _plain(previous: Any) -> Any:
    """What Python calls for an error that nobody caught: one line for each of ours, as it is what the user wrote and no fault of Brian2."""
    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, SpikegateError):
            print(f"spikegate: {error}", file=sys.stderr)
        else:
            previous(kind, error, trace)

    return hook


sys.excepthook = _plain(sys.excepthook)
#: The device that ``set_device("spikegate")`` finds.
DEVICE = SpikegateDevice(_make)
all_devices["spikegate"] = DEVICE
