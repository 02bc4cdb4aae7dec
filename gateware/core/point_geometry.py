"""What a core of point neurons is compiled for, and the words of its memories and streams."""

from collections.abc import Mapping
from typing import ClassVar

from amaranth.hdl import Shape
from amaranth.lib import data

from spikegate.models.core.address_map import ADDRESS_BITS, DATA_BITS, LANE_BITS, OP_BITS, PointOp
from spikegate.models.core.point_size import PointSize
from spikegate.models.core.rows_generated import permute_fields, rule_fields
from spikegate.models.core.words import Field, record_bits

__all__ = ["PointGeometry"]


def _layout(fields: Mapping[str, Field]) -> data.StructLayout:
    return data.StructLayout({name: Shape(field.width, signed=field.signed) for name, field in fields.items()})


class PointGeometry(PointSize):
    """A `PointSize` with its layouts, and what the sequencer and the loader have to know."""

    ops: ClassVar[type[PointOp]] = PointOp
    late_ops: ClassVar[tuple[PointOp, ...]] = (PointOp.SEED, PointOp.STATE, PointOp.PLACE, PointOp.SET, PointOp.DRIVE)
    empties: ClassVar[PointOp] = PointOp.EMPTY
    #: Steps are counted as long as a run may be.
    tag_bits: ClassVar[int] = 32
    settling: ClassVar[int] = 5
    gated: ClassVar[tuple[str, ...]] = ("draw", "update")

    @property
    def latency(self) -> int:
        """Stages of the drive, and one in which what a neuron is is read."""
        return self.depth + 1

    @property
    def tail(self) -> int:
        """Stages from there on: sets, states and inputs are read, the neuron's own, and the result."""
        return self.neuron_stages + 2

    @property
    def stages(self) -> dict[str, int]:
        """The stages of the sweep that the core looks at: reading of streams, search, reading of places, of sets, states and inputs, the first of the
        neuron, and the last."""
        latency = self.latency
        return {"first": 0, "drawn": 1, "placed": latency - 1, "fetched": latency, "consumed": latency + 1, "finished": latency + self.tail}

    @property
    def options(self) -> dict[str, str]:
        """What was chosen of it, by name, as a recording says it."""
        return {"rows": self.rows.name}

    @property
    def late_bits(self) -> int:
        """Of what loads into memories of the sweep: as wide as the widest record, in whole words."""
        return -(-max(self.state_bits, self.set_bits, record_bits(rule_fields(self)) if self.rules else 0, DATA_BITS) // DATA_BITS) * DATA_BITS

    @property
    def mask_bits(self) -> int:
        """Lanes rounded up to whole 64-bit words."""
        return -(-self.lanes // DATA_BITS) * DATA_BITS

    def most_cycles(self, steps: int) -> int:
        """More cycles than any run takes: every source fires in every step."""
        return steps * (self.words + self.depth + self.sources * max(1, self.row_longest) + 64)

    def place_layout(self) -> data.StructLayout:
        """What a neuron is."""
        return _layout(self.place_fields)

    def drive_layout(self) -> data.StructLayout:
        """What is kept beside a table of events."""
        return _layout(self.drive_fields)

    def noise_layout(self) -> data.StructLayout:
        """What is kept beside a table of noise."""
        return _layout(self.noise_fields)

    def pointer_layout(self) -> data.StructLayout:
        """Where the row of a source lies."""
        return _layout(self.pointer_fields)

    def synapse_layout(self) -> data.StructLayout:
        """A lane's part of a word of a row."""
        return _layout(self.synapse_fields)

    def rule_layout(self) -> data.StructLayout:
        """What rows of a projection are generated from."""
        return _layout(rule_fields(self))

    def permute_layout(self) -> data.StructLayout:
        """Where a source of a group goes, in each table."""
        return _layout(permute_fields())

    def event_layout(self) -> data.StructLayout:
        """A recorded event: the source spikes in that step."""
        return data.StructLayout({"step": 32, "source": 32})

    def token_layout(self) -> data.StructLayout:
        """What passes through the stages of a sweep."""
        return data.StructLayout({"en": 1, "word": range(max(2, self.words))})

    def load_layout(self) -> data.StructLayout:
        """A word of the load stream; fields lie on byte boundaries, whatever the geometry."""
        return data.StructLayout({"data": self.late_bits, "address": ADDRESS_BITS, "lane": LANE_BITS, "op": OP_BITS})

    def write_layout(self) -> data.StructLayout:
        """The word of the load stream that is at work: a bit of ``en`` for each op, high for one cycle, and the fields."""
        return data.StructLayout({"en": data.StructLayout({op.name.lower(): 1 for op in PointOp}), "op": OP_BITS, "lane": LANE_BITS,
                                  "address": ADDRESS_BITS, "data": self.late_bits})

    def lane_layout(self) -> data.StructLayout:
        """One neuron in a word of the sweep stream, padded to whole 64-bit words."""
        fields = {"state": self.state_bits, "spike": 1, "events": self.events_bits}
        return data.StructLayout({**fields, "pad": -sum(fields.values()) % DATA_BITS})

    def sweep_layout(self) -> data.StructLayout:
        """A word of the sweep stream: the neurons of one word after their update, and which of them spiked."""
        return data.StructLayout({"lanes": data.ArrayLayout(self.lane_layout(), self.lanes), "spikes": self.mask_bits, "word": 32})
