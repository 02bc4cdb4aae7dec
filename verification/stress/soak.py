"""A soak: random networks through cores of all sorts for a given time, RTL against golden model, with a record that is written as it goes."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.files import write_whole
from verification.stimuli.networks import DEFECTS
from verification.stress.traffic import ROADS, held

__all__ = ["Record", "main", "read", "soak"]

#: Networks of each core between two writings of the record.
EACH = 4


@dataclass
class Record:
    """What a soak has done so far, over all the times that it was started.

    Parameters
    ----------
    networks, cycles, spikes, values : int
        Networks run, clock cycles in which they ran, spikes of theirs, values compared.
    seconds : float
        Of running and comparing.
    first_seed, next_seed : int
        Each round of `EACH` networks a core has the next seed; a soak goes on with the next.
    cores : list of str
        Entries of `ROADS` that have been used.
    differences : list of str
        Every first divergence of a network, with its seed.
    """

    networks: int = 0
    cycles: int = 0
    spikes: int = 0
    values: int = 0
    seconds: float = 0.0
    first_seed: int = 1
    next_seed: int = 1
    cores: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def read(path: Path) -> Record | None:
    """A record that was written, or None.

    Raises
    ------
    InputError
        If it is none.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    try:
        return Record(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--record {path} is no record of a soak ({error}); give another file") from None


def soak(record: Record, path: Path, seconds: float, *, roads: Sequence[str] = tuple(ROADS), defect: str = "",
         say: Callable[[str], None] = lambda _: None) -> Record:
    """Run networks for ``seconds``, at least one round, and go on from a record, which is written after each round; stop at a difference.

    Parameters
    ----------
    record : Record
        Changed in place.
    path : Path
    seconds : float
    roads : sequence of str
        Entries of `ROADS`.
    defect : str
        An entry of `DEFECTS` that the golden side shall have: a control.
    say : callable
        Called with a line after each round.
    """
    begin = time.perf_counter()
    record.cores = sorted({*record.cores, *roads})
    while True:
        last = time.perf_counter()
        with closing(held(record.next_seed, roads, defect=defect)) as found:
            for one in islice(found, EACH * len(roads)):
                record.networks, record.cycles, record.spikes = record.networks + 1, record.cycles + one.cycles, record.spikes + one.spikes
                record.values += one.items
                record.differences += [one.problem] if one.problem else []
        record.next_seed += 1
        record.seconds += time.perf_counter() - last
        write_whole(path, json.dumps(asdict(record), indent=1) + "\n")
        say(f"{record.networks:,} networks, {record.cycles:,} cycles, {record.values:,} values compared, {len(record.differences)} differences")
        if record.differences or time.perf_counter() - begin >= seconds:
            return record


def main(arguments: list[str] | None = None) -> int:
    """Soak, and say the record; 1 if anything ever differed, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long, at least one round (default %(default)s)")
    parser.add_argument("--record", type=Path, default=Path("build/soak.json"), metavar="FILE",
                        help="go on from it, and write to it (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="first seed of a new record (default %(default)s)")
    parser.add_argument("--cores", nargs="+", default=list(ROADS), metavar="CORE", help=f"some of {', '.join(ROADS)}; all by default")
    parser.add_argument("--defect", default="", choices=["", *DEFECTS],
                        help="what the golden model shall have wrong: a control, which has to end with 1")
    options = parser.parse_args(arguments)
    try:
        if not 0 <= options.minutes <= 60 * 24 * 365:
            raise InputError(f"--minutes must lie in 0..525600, not {options.minutes:g}")
        if options.seed < 0:
            raise InputError(f"--seed must be 0 or more, not {options.seed}")
        if unknown := [name for name in options.cores if name not in ROADS]:
            raise InputError(f"--cores must be some of {', '.join(ROADS)}, not {', '.join(unknown)}")
        try:
            options.record.parent.mkdir(parents=True, exist_ok=True)
            options.record.touch()
        except OSError as error:
            raise InputError(f"--record {options.record} cannot be written ({error.strerror}); choose another file") from None
        record = read(options.record) or Record(first_seed=options.seed, next_seed=options.seed)
        soak(record, options.record, 60 * options.minutes, roads=options.cores, defect=options.defect, say=lambda line: print(line, flush=True))
    except InputError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    except SpikegateError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    print(f"seeds {record.first_seed} to {record.next_seed - 1}, {record.seconds:,.0f} s; the record is {options.record}")
    for said in record.differences:
        print(said)
    return int(bool(record.differences))


if __name__ == "__main__":
    raise SystemExit(main())
