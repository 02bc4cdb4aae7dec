"""The command line, called within the process."""

from spikegate import cli

#: A network that runs in moments; with ten lanes in all tests, which therefore compile one simulator.
SMALL = ["--set", "n_exc=80", "--set", "n_inh=20", "--ms", "60"]


def run(capsys, *argv):
    """Exit code, standard output, and lines of standard error."""
    code = cli.main(list(map(str, argv)))
    said = capsys.readouterr()
    return code, said.out, said.err.splitlines()
