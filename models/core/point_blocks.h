/* Blocks of neurons of a network of point neurons, and what a run is made of; see point_steps.c. */

#include <stdint.h>

/* Neurons of a block, whose numbers stay in the nearest cache; limits of a drive that are compared anyway, and as many at a time of the others. */
enum { BLOCK = 512, FEW = 8, MORE = 4, OUT = 1, ABOVE = 2 };

/* A product: times a number, plus half a unit, shifted; and whether it fits in 32 bits. */
typedef struct { int64_t times, half, shift, narrow; } factor;

/* A population, all numbers of 64 bits; its neurons have one parameter set. */
typedef struct {
    int64_t first, last, published, currents, direct;
    int64_t draws, drive_port, drive_weight, drive_offset, limit, limits;
    int64_t rest, threshold, reset, refractory, bias, low, high, current_low, current_high;
    factor leak, decay[2], coupling[2];
} population;

/* Synapses of a source that are due, and the port at which they add. */
typedef struct { const uint32_t *at, *end; int32_t *port; } due;

/* All that a run is; parts are ranges of neurons, each a thread's. Arrays of a part begin at part * their length. */
typedef struct {
    int64_t n, sources, lags, parts, slots, bits, populations;
    const population *population;
    const int64_t *bounds;                  /* (parts + 1) */
    int32_t *v, *current[2], *port[3];      /* (n) */
    uint32_t *words[2];                     /* (n): upper and lower half of each stream, by turns */
    uint8_t *overflow;                      /* (n) */
    int32_t *free, *reset;                  /* (n): the first step in which a neuron is free again; what a spike sets it to */
    uint8_t *later;                         /* (n): whether the next step does that */
    const int32_t *limits, *shifts;         /* of the drives, less 2^31; (3), of the streams */
    const int64_t *delays, *ports, *part;   /* (slots) */
    const int64_t *base;                    /* (sources) */
    const uint16_t *offsets;                /* (sources, slots + 1) */
    const uint32_t *packed;                 /* (synapses) */
    int32_t *ring;                          /* (parts, lags, sources) */
    int64_t *counts;                        /* (parts, lags) */
    int32_t *held, *kept;                   /* (n) */
    int64_t *holding;                       /* (parts): of held */
    due *runs;                              /* (parts, sources) */
    int32_t *spikes;                        /* (parts, room, 2) */
    int64_t *found;                         /* (parts) */
    const int64_t *given;                   /* (events, 2) */
    int64_t *stamps;                        /* (steps), when each step of part 0 ended, in ns; or none */
    int64_t first, steps, room, events;
} state;

/* Rounded, in 32 bits if the product fits, which is twice as fast. What is kept of 64 bits is below the sign, so that a logical shift will do. */
static inline __attribute__((always_inline)) int32_t product(int32_t x, factor f, int narrow) {
    if (narrow) return (x * (int32_t)f.times + (int32_t)f.half) >> (int32_t)f.shift;
    return (int32_t)((uint64_t)((int64_t)x * (int32_t)f.times + f.half) >> f.shift);
}

static inline int32_t fitted(int32_t x, int32_t low, int32_t high) {
    const int32_t y = x > low ? x : low;
    return y < high ? y : high;
}

/* Eight numbers at once; a comparison of them is -1 where it holds. */
typedef int32_t eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint32_t unsigned8 __attribute__((vector_size(32), aligned(4), may_alias));

static inline eight exceeded(eight u, const int32_t *k) {
    return (u > k[0]) + (u > k[1]) + (u > k[2]) + (u > k[3]);
}

/* External events of eight neurons, less than 0, as far as ``FEW`` limits tell; their streams move on, and their numbers are returned. */
static inline eight draw8(uint32_t *older, const uint32_t *newer, int32_t *events, const int32_t *shifts, const int32_t *limits) {
    const uint32_t a = shifts[0], b = shifts[1], c = shifts[2];
    const unsigned8 high = *(unsigned8 *)older, word = *(const unsigned8 *)newer;
    const eight u = (eight)(word ^ 0x80000000u);
    *(unsigned8 *)older = high ^ high << (32 - a) ^ high << (32 - b) ^ high << (32 - c) ^ word >> a ^ word >> b ^ word >> c;
    *(eight *)events = exceeded(u, limits) + exceeded(u, limits + 4);
    return u;
}

/* External events of a block, added to a port; the streams move on. */
static void draw(uint32_t *restrict older, const uint32_t *restrict newer, int32_t *restrict port, int n, const state *run, const population *p) {
    const int32_t *k = run->limits + p->limit, weight = -p->drive_weight, offset = -p->drive_offset;
    const int whole = n / 8 * 8, rest = n - whole;
    int32_t events[BLOCK], next = p->limits > FEW ? k[FEW] : INT32_MAX, more = 0;
    eight any = {0};
    for (int i = 0; i < whole; i += 8) any |= draw8(older + i, newer + i, events + i, run->shifts, k) > next;
    if (rest) {
        uint32_t old[8] = {0}, new[8] = {0};
        for (int i = 0; i < rest; i++) old[i] = older[whole + i], new[i] = newer[whole + i];
        any |= draw8(old, new, events + whole, run->shifts, k) > next;
        for (int i = 0; i < rest; i++) older[whole + i] = old[i];
    }
    for (int i = 0; i < 8; i++) more |= any[i];
    for (int64_t j = FEW; more && j < p->limits; j += MORE) {
        next = j + MORE < p->limits ? k[j + MORE] : INT32_MAX;
        more = 0;
        for (int i = 0; i < n; i++) {
            const int32_t u = (int32_t)(newer[i] ^ 0x80000000u);
            events[i] -= (u > k[j]) + (u > k[j + 1]) + (u > k[j + 2]) + (u > k[j + 3]);
            more |= u > next;
        }
    }
    for (int i = 0; i < n; i++) port[i] += (events[i] + offset) * weight;
}

/* Kick, flow and decay of a current; what flows is added to ``into``. */
static inline __attribute__((always_inline)) void flow_as(int32_t *restrict port, int32_t *restrict current, int32_t *restrict into,
                                                          uint8_t *restrict overflow, int n, const population *p, int c, int narrow) {
    const int32_t low = p->current_low, high = p->current_high;
    const factor coupling = p->coupling[c], decay = p->decay[c];
    int32_t kicked[BLOCK], out = 0;
    for (int i = 0; i < n; i++) {
        int32_t sum = current[i] + port[i], value = fitted(sum, low, high);
        kicked[i] = sum;
        port[i] = 0;
        into[i] += product(value, coupling, narrow);
        current[i] = value - product(value, decay, narrow);
        out |= sum ^ value;
    }
    if (out) for (int i = 0; i < n; i++) overflow[i] |= kicked[i] < low || kicked[i] > high;
}

static void flow(int32_t *port, int32_t *current, int32_t *into, uint8_t *overflow, int n, const population *p, int c) {
    if (p->coupling[c].narrow && p->decay[c].narrow) flow_as(port, current, into, overflow, n, p, c, 1);
    else flow_as(port, current, into, overflow, n, p, c, 0);
}

/* Membranes take ``into``, which becomes the sums. `OUT` if any left its format, and `ABOVE` if any is above the threshold. */
static inline __attribute__((always_inline)) int move_as(int32_t *restrict v, int32_t *restrict into, int n, const population *p, int32_t above,
                                                         int narrow) {
    const int32_t low = p->low, high = p->high, rest = p->rest, bias = p->bias;
    const factor leak = p->leak;
    int32_t out = 0, any = 0;
    for (int i = 0; i < n; i++) {
        int32_t x = v[i] + into[i] + bias + product(rest - v[i], leak, narrow), value = fitted(x, low, high);
        into[i] = x;
        v[i] = value;
        any |= value > above;
        out |= x ^ value;
    }
    return (out ? OUT : 0) | (any ? ABOVE : 0);
}

static int move(int32_t *v, int32_t *into, int n, const population *p, int32_t above) {
    return p->leak.narrow ? move_as(v, into, n, p, above, 1) : move_as(v, into, n, p, above, 0);
}

/* A block of a population; spiking neurons go to ``emitted``, whose number so far is ``found``. */
static int64_t block(state *run, const population *p, int64_t first, int64_t last, int64_t t, int32_t *emitted, int64_t found) {
    const int n = (int)(last - first);
    const int32_t above = p->threshold - (p->published ? 1 : 0);
    int32_t into[BLOCK], *v = run->v + first;
    for (int i = 0; i < n; i++) into[i] = 0;
    if (p->draws) draw(run->words[t & 1] + first, run->words[~t & 1] + first, run->port[p->drive_port] + first, n, run, p);
    for (int c = 0; c < p->currents; c++) flow(run->port[c] + first, run->current[c] + first, into, run->overflow + first, n, p, c);
    if (p->direct) {
        int32_t *kicks = run->port[p->currents] + first;
        for (int i = 0; i < n; i++) into[i] += kicks[i], kicks[i] = 0;
    }
    const int said = move(v, into, n, p, above);
    if (said & OUT)
        for (int i = 0; i < n; i++) if ((into[i] < p->low || into[i] > p->high) && run->free[first + i] <= t) run->overflow[first + i] = 1;
    for (int i = 0; said & ABOVE && i < n; i++) {
        const int64_t neuron = first + i;
        if (v[i] <= above || run->free[neuron] > t) continue;
        emitted[found++] = (int32_t)neuron;
        if (p->published) v[i] = (int32_t)p->reset;
        run->free[neuron] = (int32_t)(t + p->refractory + p->published);
    }
    return found;
}
