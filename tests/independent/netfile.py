"""The file of a network (section 8 of docs/arithmetic.md)."""

__all__ = ["NetworkFile", "contents", "read"]

import hashlib
import json

KINDS = {"<u2": (2, False), "<u4": (4, False), "<i4": (4, True), "<u8": (8, False), "<i8": (8, True), "|u1": (1, False)}


class NetworkFile:
    """``header``, a dict, and every array as a list of integers, row by row, under its name."""

    def __init__(self, header, arrays):
        self.header = header
        self.arrays = arrays
        self.count = header["n_exc"] + header["n_inh"]

    def targets(self, source):
        first, end = self.arrays["indptr"][source:source + 2]
        return self.arrays["indices"][first:end]


def contents(path, version, check=lambda header: None):
    """The header, once it has been checked, and all arrays."""
    with open(path, "rb") as file:
        magic, digest = file.readline(), file.readline()
        content = file.read()
    if magic != b"spikegate network %d\n" % version:
        raise ValueError("the first line is not that of such a network")
    if digest != hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise ValueError("the hash is not that of the content")
    line, _, body = content.partition(b"\n")
    header = json.loads(line)
    if json.dumps(header, sort_keys=True, separators=(",", ":")).encode("ascii") != line:
        raise ValueError("the header is not in its one form")
    check(header)
    arrays, at = {}, 0
    for entry in header["arrays"]:
        size, signed = KINDS[entry["dtype"]]
        many = 1
        for extent in entry["shape"]:
            many *= extent
        if at + many * size > len(body):
            raise ValueError(f"the file ends within {entry['name']}")
        arrays[entry["name"]] = [
            int.from_bytes(body[k:k + size], "little", signed=signed) for k in range(at, at + many * size, size)]
        at += many * size
    if at != len(body):
        raise ValueError("something follows the last array")
    return header, arrays


def read(path):
    return NetworkFile(*contents(path, 1))
