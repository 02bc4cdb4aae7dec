/* Steps of a network of point neurons, on one thread or several: the same integers as spikegate.models.core.point_engine, for the networks that
   spikegate.models.core.point_plan lets through, whose sums fit in 32 bits. A neuron that is held is updated like any other, and then put back. */

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* Neurons of a block, whose numbers stay in the nearest cache; runs that are fetched ahead; bytes of a line of the cache; limits compared anyway. */
enum { BLOCK = 512, AHEAD = 6, LINE = 64, FEW = 8, MORE = 4, SPINS = 20000 };

/* A product: times a number, plus half a unit, shifted. */
typedef struct { int64_t times, half, shift; } factor;

/* A population, all numbers of 64 bits; its neurons have one parameter set. */
typedef struct {
    int64_t first, last, published, currents, direct;
    int64_t draws, drive_port, drive_weight, drive_offset, limit, limits;
    int64_t rest, threshold, reset, refractory, bias, low, high, current_low, current_high;
    factor leak, decay[2], coupling[2];
} population;

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
    const uint32_t **runs;                  /* (parts, 2 * (sources + 1)) */
    int32_t *spikes;                        /* (parts, room, 2) */
    int64_t *found;                         /* (parts) */
    const int64_t *given;                   /* (events, 2) */
    int64_t *stamps;                        /* (steps), when each step of part 0 ended, in ns; or none */
    int64_t first, steps, room, events;
} state;

typedef struct { atomic_long arrived; pthread_mutex_t lock; pthread_cond_t all; } meeting;

typedef struct { state *run; int64_t part; meeting *at; } worker;

static inline int32_t product(int32_t x, int64_t times, int64_t half, int64_t shift) {
    return (int32_t)((uint64_t)((int64_t)x * (int32_t)times + half) >> shift);  /* what is kept is below the sign */
}

static inline int32_t fitted(int32_t x, int32_t low, int32_t high) { return x < low ? low : x > high ? high : x; }

/* External events of a block, added to a port; the streams move on. */
static void draw(uint32_t *restrict older, const uint32_t *restrict newer, int32_t *restrict port, int n, const state *run, const population *p) {
    const uint32_t a = run->shifts[0], b = run->shifts[1], c = run->shifts[2];
    const int32_t *k = run->limits + p->limit, weight = p->drive_weight, offset = p->drive_offset;
    const int32_t k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7];
    int32_t events[BLOCK], top = INT32_MIN;
    for (int i = 0; i < n; i++) {
        uint32_t high = older[i], word = newer[i];
        int32_t u = (int32_t)(word ^ 0x80000000u);
        older[i] = high ^ high << (32 - a) ^ high << (32 - b) ^ high << (32 - c) ^ word >> a ^ word >> b ^ word >> c;
        events[i] = (u > k0) + (u > k1) + (u > k2) + (u > k3) + (u > k4) + (u > k5) + (u > k6) + (u > k7);
        top = u > top ? u : top;
    }
    for (int64_t j = FEW; j < p->limits && k[j] < top; j += MORE) {
        const int32_t l0 = k[j], l1 = k[j + 1], l2 = k[j + 2], l3 = k[j + 3];
        for (int i = 0; i < n; i++) {
            int32_t u = (int32_t)(newer[i] ^ 0x80000000u);
            events[i] += (u > l0) + (u > l1) + (u > l2) + (u > l3);
        }
    }
    for (int i = 0; i < n; i++) port[i] += (events[i] + offset) * weight;
}

/* Kick, flow and decay of a current; what flows is added to ``into``. */
static void flow(int32_t *restrict port, int32_t *restrict current, int32_t *restrict into, uint8_t *restrict overflow, int n, const population *p,
                 int c) {
    const int32_t low = p->current_low, high = p->current_high;
    const int64_t times = p->coupling[c].times, half = p->coupling[c].half, shift = p->coupling[c].shift;
    const int64_t less = p->decay[c].times, up = p->decay[c].half, down = p->decay[c].shift;
    int32_t kicked[BLOCK], out = 0;
    for (int i = 0; i < n; i++) {
        int32_t sum = current[i] + port[i], value = fitted(sum, low, high);
        kicked[i] = sum;
        port[i] = 0;
        into[i] += product(value, times, half, shift);
        current[i] = value - product(value, less, up, down);
        out |= sum ^ value;
    }
    if (out) for (int i = 0; i < n; i++) overflow[i] |= kicked[i] < low || kicked[i] > high;
}

/* Membranes take ``into``, which becomes the sums; whether any left its format. */
static int move(int32_t *restrict v, int32_t *restrict into, uint8_t *restrict spiked, int n, const population *p) {
    const int32_t low = p->low, high = p->high, rest = p->rest, bias = p->bias, above = p->threshold - (p->published ? 1 : 0);
    const int64_t times = p->leak.times, half = p->leak.half, shift = p->leak.shift;
    int32_t out = 0;
    for (int i = 0; i < n; i++) {
        int32_t x = v[i] + into[i] + bias + product(rest - v[i], times, half, shift), value = fitted(x, low, high);
        into[i] = x;
        v[i] = value;
        spiked[i] = value > above;
        out |= x ^ value;
    }
    return out != 0;
}

/* A block of a population; spiking neurons go to ``emitted``, whose number so far is ``found``. */
static int64_t block(state *run, const population *p, int64_t first, int64_t last, int64_t t, int32_t *emitted, int64_t found) {
    const int n = (int)(last - first);
    int32_t into[BLOCK];
    uint64_t groups[BLOCK / 8] = {0};
    uint8_t *spiked = (uint8_t *)groups;
    for (int i = 0; i < n; i++) into[i] = 0;
    if (p->draws) draw(run->words[t & 1] + first, run->words[~t & 1] + first, run->port[p->drive_port] + first, n, run, p);
    for (int c = 0; c < p->currents; c++) flow(run->port[c] + first, run->current[c] + first, into, run->overflow + first, n, p, c);
    if (p->direct) {
        int32_t *kicks = run->port[p->currents] + first;
        for (int i = 0; i < n; i++) into[i] += kicks[i], kicks[i] = 0;
    }
    if (move(run->v + first, into, spiked, n, p))
        for (int i = 0; i < n; i++) if ((into[i] < p->low || into[i] > p->high) && run->free[first + i] <= t) run->overflow[first + i] = 1;
    for (int group = 0; group < (n + 7) / 8; group++) {
        if (!groups[group]) continue;
        for (int i = 8 * group; i < 8 * group + 8; i++) {
            int64_t neuron = first + i;
            if (!spiked[i] || run->free[neuron] > t) continue;
            emitted[found++] = (int32_t)neuron;
            if (p->published) run->v[neuron] = (int32_t)p->reset;
            run->free[neuron] = (int32_t)(t + p->refractory + p->published);
        }
    }
    return found;
}

/* One step of the neurons of a part. */
static int64_t update(state *run, int64_t part, int64_t t, int32_t *emitted) {
    const int64_t low = run->bounds[part], high = run->bounds[part + 1], before = part * run->lags + (t + run->lags - 1) % run->lags;
    int32_t *held = run->held + low, *kept = run->kept + low;
    int64_t found = 0, holding = run->holding[part], still = 0;
    const int32_t *fired = run->ring + before * run->sources;
    for (int64_t j = 0; t && j < run->counts[before]; j++) if (fired[j] < run->n && run->later[fired[j]]) run->v[fired[j]] = run->reset[fired[j]];
    for (int64_t j = 0; j < holding; j++) kept[j] = run->v[held[j]];
    for (int64_t k = 0; k < run->populations; k++) {
        const population *p = run->population + k;
        int64_t first = p->first > low ? p->first : low, last = p->last < high ? p->last : high;
        for (; first < last; first += BLOCK) found = block(run, p, first, first + BLOCK < last ? first + BLOCK : last, t, emitted, found);
    }
    for (int64_t j = 0; j < holding; j++) {
        run->v[held[j]] = kept[j];
        if (run->free[held[j]] > t + 1) held[still++] = held[j];
    }
    for (int64_t j = 0; j < found; j++) if (run->free[emitted[j]] > t + 1) held[still++] = emitted[j];
    run->holding[part] = still;
    return found;
}

/* Add the runs that are due at a step to the inputs of a part: first where they are, then, some ahead being fetched, one after another. */
static void collect(state *run, int64_t part, int64_t t) {
    const uint32_t **runs = run->runs + part * 2 * (run->sources + 1), mask = (1u << run->bits) - 1;
    const int bits = (int)run->bits;
    for (int64_t k = 0; k < run->slots; k++) {
        if (run->part[k] != part || run->delays[k] > t) continue;
        int32_t *port = run->port[run->ports[k]];
        int64_t found = 0, slot = (t - run->delays[k]) % run->lags;
        for (int64_t q = 0; q < run->parts; q++) {
            const int32_t *ring = run->ring + (q * run->lags + slot) * run->sources;
            const int64_t count = run->counts[q * run->lags + slot];
            for (int64_t j = 0; j < count; j++) {
                if (j + AHEAD < count) __builtin_prefetch(run->offsets + ring[j + AHEAD] * (run->slots + 1) + k);
                const uint16_t *offset = run->offsets + ring[j] * (run->slots + 1) + k;
                if (offset[1] == offset[0]) continue;
                runs[2 * found] = run->packed + run->base[ring[j]] + offset[0];
                runs[2 * found++ + 1] = run->packed + run->base[ring[j]] + offset[1];
            }
        }
        for (int64_t j = 0; j < found; j++) {
            if (j + AHEAD < found)
                for (const uint32_t *line = runs[2 * (j + AHEAD)]; line < runs[2 * (j + AHEAD) + 1]; line += LINE / 4) __builtin_prefetch(line);
            for (const uint32_t *at = runs[2 * j], *end = runs[2 * j + 1]; at < end; at++) port[*at & mask] += (int32_t)*at >> bits;
        }
    }
}

/* Until all parts have arrived: for some microseconds awake, then asleep, as another program may have the processor. */
static void wait(meeting *at, long all) {
    if (atomic_fetch_add(&at->arrived, 1) + 1 >= all) {
        pthread_mutex_lock(&at->lock);
        pthread_cond_broadcast(&at->all);
        pthread_mutex_unlock(&at->lock);
        return;
    }
    for (int spins = 0; spins < SPINS; spins++) if (atomic_load(&at->arrived) >= all) return;
    pthread_mutex_lock(&at->lock);
    while (atomic_load(&at->arrived) < all) pthread_cond_wait(&at->all, &at->lock);
    pthread_mutex_unlock(&at->lock);
}

static int64_t now(void) {
    struct timespec found;
    clock_gettime(CLOCK_MONOTONIC, &found);
    return found.tv_sec * 1000000000LL + found.tv_nsec;
}

static void *work(void *argument) {
    const worker *me = argument;
    state *run = me->run;
    const int64_t part = me->part;
    int32_t *spikes = run->spikes + part * run->room * 2;
    int64_t found = 0, at = 0;
    for (int64_t t = run->first; t < run->first + run->steps; t++) {
        int64_t slot = part * run->lags + t % run->lags;
        int32_t *emitted = run->ring + slot * run->sources;
        collect(run, part, t);
        int64_t count = update(run, part, t, emitted);
        for (int64_t j = 0; j < count; j++, found++) spikes[2 * found] = (int32_t)t, spikes[2 * found + 1] = emitted[j];
        for (; part == 0 && at < run->events && run->given[2 * at] == t; at++) emitted[count++] = (int32_t)run->given[2 * at + 1];
        run->counts[slot] = count;
        if (run->parts > 1) wait(me->at, run->parts * (t - run->first + 1));
        if (part == 0 && run->stamps) run->stamps[t - run->first] = now();
    }
    run->found[part] = found;
    return 0;
}

/* All steps of a chunk. Returns 0, or 1 if there are no threads. */
int spikegate_point_steps(state *run) {
    pthread_t threads[run->parts];
    worker workers[run->parts];
    meeting at = {0, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    for (int64_t part = 0; part < run->parts; part++) workers[part] = (worker){run, part, &at};
    int64_t started = 1;
    while (started < run->parts && !pthread_create(threads + started, 0, work, workers + started)) started++;
    if (started < run->parts) wait(&at, atomic_fetch_add(&at.arrived, LONG_MAX / 2));  /* nobody waits any more, and nothing of it is used */
    else work(workers);
    for (int64_t part = 1; part < started; part++) pthread_join(threads[part], 0);
    return started < run->parts;
}
