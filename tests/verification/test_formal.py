"""Every claim about a leaf is proved for all time, speaks of something that happens, and breaks in a mutant; false and empty ones are refused."""

import pytest

from spikegate.models.errors import Mismatch, SpikegateError
from verification.contracts.catalogue import LEAVES, WHOLE
from verification.contracts.guards import GUARDS
from verification.formal import PROPERTIES, Bench, bench
from verification.formal.prove import prove, prove_leaf
from verification.mutation.survivors import PAGE

#: What the long run leaves to the default one.
SHORT = ("rows",)


def check(name):
    proofs, claims = prove_leaf(name), bench(name).claims
    assert [proof.claim for proof in proofs] == [claim.text for claim in claims]
    assert all(1 <= proof.depth <= 4 and proof.cover >= 0 and proof.mutant and 0 < proof.caught <= proof.mutants for proof in proofs)


@pytest.mark.parametrize("name", SHORT)
def test_every_claim_is_proved_reached_and_broken_by_a_mutant(name):
    check(name)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted({*PROPERTIES} - {*SHORT}))
def test_every_claim_of_every_leaf_is_proved_reached_and_broken_by_a_mutant(name):
    check(name)


def test_every_leaf_has_ten_claims_and_all_together_have_150_and_the_page_counts_them():
    benches = {name: bench(name) for name in PROPERTIES}
    assert set(benches) == set(LEAVES)
    counts = [len(b.claims) for b in benches.values()]
    assert min(counts) >= 10 and sum(counts) >= 150
    assert f"Claims: {sum(counts)} about the {len(LEAVES)} leaves, {min(counts)} to {max(counts)} each," in PAGE.read_text()
    assert all("always_9" in b.rtlil(mutated=False) for b in benches.values())
    assert all(len({claim.text for claim in b.claims}) == len(b.claims) for b in benches.values())


def test_every_neuron_is_a_leaf_and_every_leaf_has_a_guard():
    neurons = {path.stem for path in (PAGE.parents[1] / "gateware" / "neuron").glob("*.py")} - {"__init__"}
    assert neurons >= {"lif"} and neurons <= set(LEAVES) and set(GUARDS) == {*LEAVES, *WHOLE}


def transmitter():
    return Bench("uart_transmitter", LEAVES["uart_transmitter"]())


def test_a_wrong_claim_is_refuted_with_the_cycle():
    b = transmitter()
    b.claim("The line is always 1", b.dut.tx)
    with pytest.raises(Mismatch, match='refuted in cycle 1: "The line is always 1"'):
        prove(b)


def test_a_claim_that_does_not_hold_by_induction_is_not_accepted():
    b = transmitter()
    count = b.keep(8)
    b.m.d.sync += count.eq(count + ~count.all())
    b.claim("No time passes", count < 200)
    with pytest.raises(SpikegateError, match='not proved by induction over 4 cycles: "No time passes"'):
        prove(b)


def test_a_claim_about_nothing_is_refused():
    b = transmitter()
    b.claim("With the line at 0 and at 1 all is well", b.dut.tick, when=b.dut.tx & ~b.dut.tx)
    with pytest.raises(SpikegateError, match="is about nothing that was reached"):
        prove(b)


def test_a_claim_that_no_mutant_breaks_is_refused():
    b = transmitter()
    b.claim("A bit is a bit", b.dut.tx | ~b.dut.tx, cover=b.dut.tx)
    with pytest.raises(SpikegateError, match='"A bit is a bit" catches no mutant'):
        prove(b)


def test_a_leaf_without_claims_is_refused():
    with pytest.raises(SpikegateError, match="Leaf must be one of requantise, .*, not 'nothing'"):
        prove_leaf("nothing")
