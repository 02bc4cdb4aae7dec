"""Synapses from a seed (docs/point_networks.md, section 6), asked for from the side of the target: which source of each group a target has."""

from functools import lru_cache

__all__ = ["sources_of", "pairs"]

HALF = (1 << 32) - 1


def turned(x, by):
    return (x << by | x >> 32 - by) & HALF


class Seed:
    """The words of a seed."""

    def __init__(self, seed):
        self.keys = seed & HALF, seed >> 32

    def words(self, v):
        x, y = v, 0
        for t in range(40):
            if t == 32:
                first = x * 2**32 + y
            x, y = turned(x, 1) & turned(x, 8) ^ turned(x, 2) ^ y ^ t ^ self.keys[t & 1], x
        return first, x * 2**32 + y

    def table(self, number, b):
        order = [*range(b)]
        for z in reversed(range(1, b)):
            top = self.words(2**31 + 64 * number + z)[0] // 2**32
            at = top * (z + 1) // 2**32
            order[z], order[at] = order[at], order[z]
        return order


@lru_cache
def tables_of(seed, b):
    return [Seed(seed).table(number, b) for number in range(8)]


def register(word, lane, leaps):
    """The register of a lane after so many leaps of 16, position by position."""
    bits = [word >> ((2 * (lane % 32) + 1) * k + 5 * lane) % 64 & 1 for k in range(32)]
    for _ in range(16 * leaps):
        bits = [bits[31] ^ bits[29] ^ bits[25] ^ bits[24], *bits[:31]]
    return sum(bit << k for k, bit in enumerate(bits))


def sources_of(target, made, sizes, first, recurrent):
    """One source of each group, for target ``target``; ``sizes`` are of source and target."""
    lanes, b, seed = made["lanes"], sizes[0] // made["in_degree"], Seed(made["seed"])
    start, lane = first // lanes, (first + target) % lanes
    blocks = -(-((first + sizes[1] - 1) // lanes - start + 1) // b)
    stripe, place = divmod((first + target) // lanes - start, blocks)
    tables = tables_of(made["seed"], b)
    found = []
    for group in range(made["in_degree"]):
        one, two = seed.words(group)

        def skew(o, two=two):
            number, bit = 0, 0
            while 1 << bit < blocks:
                number += (two >> (7 * o + bit) % 64 & 1) << bit
                bit += 1
            return number if number < blocks else number - blocks

        block = (place - skew(stripe)) % blocks
        chance = register(one, lane, block + 1)
        n, table = chance & 255, tables[chance >> 8 & 7]
        goes = [(table[i] + n * b // 256) % b for i in range(b)]
        for m in range(b):
            j = first + group * b + m
            if recurrent and j % lanes == lane:
                own, there = divmod(j // lanes - start, blocks)
                if (there - skew(own)) % blocks == block:
                    goes = [(own + 1 + (i - m) % b + n * (b - 1) // 256) % b for i in range(b)]
        found.append(group * b + goes.index(stripe))
    return found


def pairs(made, sizes, first, recurrent):
    """Pairs of source and target neuron."""
    return [(source, target) for target in range(sizes[1]) for source in sources_of(target, made, sizes, first, recurrent)]
