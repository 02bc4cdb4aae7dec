"""Read first by every Python program that the tests of a mutant start.

It takes the module named in ``SPIKEGATE_MUTANT`` from the file named there, and notes in the file named in ``SPIKEGATE_CALLS`` which functions of the
file named there it calls.
"""

import importlib.util
import os
import sys
import threading

MODULE, _, FILE = os.environ.get("SPIKEGATE_MUTANT", "").partition("=")
TRACED, _, CALLS = os.environ.get("SPIKEGATE_CALLS", "").partition("=")
SEEN = set()


class Finder:
    """Of one module."""

    def find_spec(self, name, *_):
        """From the other file."""
        return importlib.util.spec_from_file_location(name, FILE) if name == MODULE else None


def note(frame, *_):
    """Append the name of a function that is called for the first time."""
    code = frame.f_code
    if code.co_filename == TRACED and code not in SEEN:
        SEEN.add(code)
        with open(CALLS, "a") as file:
            file.write(code.co_qualname.split(".<locals>")[0] + "\n")


if MODULE:
    sys.meta_path.insert(0, Finder())
if TRACED:
    threading.settrace(note)
    sys.settrace(note)
