"""The file of a network (section 8 of docs/arithmetic.md)."""

__all__ = ["NetworkFile", "read"]

import hashlib
import json

KINDS = {"<u4": (4, False), "<i4": (4, True), "<u8": (8, False), "|u1": (1, False)}


class NetworkFile:
    """``header``, a dict, and every array as a list of integers, row by row, under its name."""

    def __init__(self, header, arrays):
        self.header = header
        self.arrays = arrays
        self.count = header["n_exc"] + header["n_inh"]

    def targets(self, source):
        first, end = self.arrays["indptr"][source:source + 2]
        return self.arrays["indices"][first:end]


def read(path):
    with open(path, "rb") as file:
        magic, digest = file.readline(), file.readline()
        content = file.read()
    if magic != b"spikegate network 1\n":
        raise ValueError("the first line is that of no network")
    if digest != hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise ValueError("the hash is not that of the content")
    end = content.index(b"\n")
    header = json.loads(content[:end])
    if json.dumps(header, sort_keys=True, separators=(",", ":")).encode("ascii") != content[:end]:
        raise ValueError("the header is not in its one form")
    arrays, at = {}, end + 1
    for entry in header["arrays"]:
        size, signed = KINDS[entry["dtype"]]
        many = 1
        for extent in entry["shape"]:
            many *= extent
        if at + many * size > len(content):
            raise ValueError(f"the file ends within {entry['name']}")
        arrays[entry["name"]] = [
            int.from_bytes(content[k:k + size], "little", signed=signed) for k in range(at, at + many * size, size)]
        at += many * size
    if at != len(content):
        raise ValueError("something follows the last array")
    return NetworkFile(header, arrays)
