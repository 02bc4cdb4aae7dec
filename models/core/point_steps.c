/* Steps of a network of point neurons, on one thread or several: the same integers as spikegate.models.core.point_engine, for the networks that
   spikegate.models.core.point_plan lets through, whose sums fit in 32 bits. A neuron that is held is updated like any other, and then put back. */

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "point_blocks.h"

/* Runs that are fetched ahead, bytes of a line of the cache, and looks at the others before a thread sleeps. */
enum { AHEAD = 6, LINE = 64, SPINS = 20000 };

typedef struct { atomic_long arrived; pthread_mutex_t lock; pthread_cond_t all; } meeting;

typedef struct { state *run; int64_t part; meeting *at; } worker;

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

static inline void fetch(const due *one) {
    for (const uint32_t *line = one->at; line < one->end; line += LINE / 4) __builtin_prefetch(line);
}

/* Add runs to the inputs, those that follow being fetched. */
static void add(const due *runs, int64_t found, int bits) {
    const uint32_t mask = (1u << bits) - 1;
    for (int64_t j = 0; j < found && j < AHEAD; j++) fetch(runs + j);
    for (int64_t j = 0; j < found; j++) {
        int32_t *port = runs[j].port;
        if (j + AHEAD < found) fetch(runs + j + AHEAD);
#pragma GCC unroll 4
        for (const uint32_t *at = runs[j].at, *end = runs[j].end; at < end; at++) port[*at & mask] += (int32_t)*at >> bits;
    }
}

/* Add what is due at a step to the inputs of a part: first where it is, then the numbers themselves. */
static void collect(state *run, int64_t part, int64_t t) {
    due *runs = run->runs + part * run->sources;
    const int bits = (int)run->bits;
    int64_t found = 0;
    for (int64_t k = 0; k < run->slots; k++) {
        if (run->part[k] != part || run->delays[k] > t) continue;
        int32_t *port = run->port[run->ports[k]];
        const int64_t slot = (t - run->delays[k]) % run->lags;
        for (int64_t q = 0; q < run->parts; q++) {
            const int32_t *ring = run->ring + (q * run->lags + slot) * run->sources;
            const int64_t count = run->counts[q * run->lags + slot];
            for (int64_t j = 0; j < count; j++) {
                const uint16_t *offset = run->offsets + ring[j] * (run->slots + 1) + k;
                const uint32_t *row = run->packed + run->base[ring[j]];
                if (offset[1] == offset[0]) continue;
                runs[found++] = (due){row + offset[0], row + offset[1], port};
                if (found == run->sources) add(runs, found, bits), found = 0;
            }
        }
    }
    add(runs, found, bits);
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
