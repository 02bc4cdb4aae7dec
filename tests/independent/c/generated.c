/* Section 6 of point_networks.md: synapses from a seed. */

#include "network.h"

#include <string.h>

static uint32_t turn(uint32_t x, int k) { return x << k | x >> (32 - k); }

static void mix(uint64_t seed, uint32_t v, uint64_t words[2]) {
    uint32_t x = v, y = 0;
    for (uint32_t t = 0; t < 40; t++) {
        uint32_t key = (uint32_t)(t % 2 ? seed >> 32 : seed), next = y ^ (turn(x, 1) & turn(x, 8)) ^ turn(x, 2) ^ key ^ t;
        y = x;
        x = next;
        if (t == 31 || t == 39) words[t == 39] = (uint64_t)x << 32 | y;
    }
}

static void make_tables(uint64_t seed, int b, int tables[8][64]) {
    uint64_t words[2];
    for (int k = 0; k < 8; k++) {
        for (int z = 0; z < b; z++) tables[k][z] = z;
        for (int z = b - 1; z >= 1; z--) {
            mix(seed, (uint32_t)(((uint64_t)1 << 31) + 64 * k + z), words);
            int other = (int)((words[0] >> 32) * (uint64_t)(z + 1) >> 32), kept = tables[k][z];
            tables[k][z] = tables[k][other];
            tables[k][other] = kept;
        }
    }
}

int64_t generate(const projection *p, int64_t targets, int64_t F, int64_t *from, int64_t *to) {
    const int64_t L = p->lanes, b = p->sources / p->in_degree, W = F / L, R = (F + targets - 1) / L - W + 1, G = (R + b - 1) / b;
    int tables[8][64], bits = 0;
    int64_t count = 0, skew[64];
    uint64_t words[2];
    make_tables(p->seed, (int)b, tables);
    while ((G - 1) >> bits) bits++;
    for (int64_t q = 0; q < p->in_degree; q++) {
        mix(p->seed, (uint32_t)q, words);
        for (int64_t o = 0; o < b; o++) {
            skew[o] = 0;
            for (int k = 0; k < bits; k++) skew[o] |= (int64_t)(words[1] >> (7 * o + k) % 64 & 1) << k;
            if (skew[o] >= G) skew[o] -= G;
        }
        for (int64_t l = 0; l < L; l++) {
            uint32_t state = 0;
            for (int k = 0; k < 32; k++) state |= (uint32_t)(words[0] >> ((2 * (l % 32) + 1) * k + 5 * l) % 64 & 1) << k;
            int64_t m = ((l - F - q * b) % L + L) % L, own_row = -1;
            if (p->recurrent && m < b) own_row = (F + q * b + m) / L - W;
            for (int64_t c = 0; c < G; c++) {
                uint32_t bits16 = (state >> 16 ^ state >> 14 ^ state >> 10 ^ state >> 9) & 0xffff;  /* taps 32, 30, 26, 25, leap 16 */
                state = state << 16 | bits16;
                int64_t n = state & 255;
                const int *table = tables[state >> 8 & 7];
                int64_t own_stripe = own_row < 0 ? -1 : own_row / G;
                int here = own_row >= 0 && (own_row % G - skew[own_stripe] + G) % G == c;
                for (int64_t i = 0; i < b; i++) {
                    int64_t o = here ? (own_stripe + 1 + ((i - m) % b + b) % b + n * (b - 1) / 256) % b : (table[i] + n * b / 256) % b;
                    int64_t t = (W + o * G + (c + skew[o]) % G) * L + l - F;
                    if (t < 0 || t >= targets) continue;
                    from[count] = q * b + i;
                    to[count++] = t;
                }
            }
        }
    }
    return count;
}
