"""Several benches on one component in Amaranth's simulator."""

from amaranth.sim import Simulator


def simulate(dut, *benches, background=()):
    """Run until all of ``benches`` have ended; those of ``background`` need not."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()
