"""Read by every Python program that the tests of a mutant start: takes the module named in ``SPIKEGATE_MUTANT`` from the file named there."""

import importlib.util
import os
import sys

MODULE, _, FILE = os.environ.get("SPIKEGATE_MUTANT", "").partition("=")


class Finder:
    """Of one module."""

    def find_spec(self, name, *_):
        """From the other file."""
        return importlib.util.spec_from_file_location(name, FILE) if name == MODULE else None


if MODULE:
    sys.meta_path.insert(0, Finder())
