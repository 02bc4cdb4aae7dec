"""A module with rolled lanes made to have the ports of the one that it is held against."""

import re


def as_vectors(text):
    """A vector in place of its array of words, and the enables, which the reference does not tell, inside."""
    head, body = text.split(");\n", 1)
    words = int(re.search(r"o__payload \[0:(\d+)\]", head)[1]) + 1
    enables = re.findall(r"output \[0:0\] (\w+_enable)", head)
    head = re.sub(r", output \[0:0\] \w+_enable", "", head).replace(f"reg [31:0] o__payload [0:{words - 1}]", f"[{32 * words - 1}:0] o__payload")
    joined = ", ".join(f"words[{k}]" for k in reversed(range(words)))
    return (f"{head});\n{''.join(f'wire {each};' for each in enables)} reg [31:0] words [0:{words - 1}];\nassign o__payload = {{{joined}}};\n"
            + body.replace("o__payload[", "words["))
