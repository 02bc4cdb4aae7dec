/* An engine from docs/arithmetic.md and docs/point_networks.md alone: reads a network's file and prints the answer of docs/conformance.md.
 *
 *     cc -O2 -o engine engine.c generated.c points.c reader.c form.c
 *     ./engine FILE
 *
 * A file that has to be refused: code 2, the reason on standard error, nothing on standard output. Negative numbers are taken to be shifted
 * arithmetically, and to be two's complement, as every compiler of today does.
 */

#include "network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t whole;

/* ---- sections 2, 3 and 6 of arithmetic.md ---- */

static whole round_product(whole p, int k, int mode, whole u) {
    if (!k) return p;
    return (p + (mode == FLOOR ? 0 : mode == NEAREST ? (whole)1 << (k - 1) : u)) >> k;
}

static whole fit(whole x, format f, int mode, whole *overflow) {
    if (x >= low(f) && x <= high(f)) return x;
    *overflow = 1;
    if (mode == SATURATE) return x < low(f) ? low(f) : high(f);
    return (whole)((uint64_t)(x - low(f)) & (((uint64_t)1 << f.width) - 1)) + low(f);
}

static uint64_t mask(int bits) { return bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1; }

static uint64_t leap(uint64_t state, const network *n) {
    uint64_t new = 0;
    for (int k = 0; k < n->tap_count; k++) new ^= state >> (n->taps[k] - n->leap);
    return ((n->leap == 64 ? 0 : state << n->leap) | (new & mask(n->leap))) & mask(n->width);
}

static whole above(const array *limits, uint64_t uniform) {
    whole e = 0;
    while (e < limits->count && uniform > (uint64_t)get(limits, e)) e++;  /* the table ascends */
    return e;
}

static void print_row(const char *word, const whole *values, whole count) {
    fputs(word, stdout);
    for (whole k = 0; k < count; k++) printf(" %" PRId64, values[k]);
    putchar('\n');
}

static void print_generators(const uint64_t *states, whole count) {
    fputs("generators", stdout);
    for (whole k = 0; k < count; k++) printf(" %" PRIu64, states[k]);
    putchar('\n');
}

/* ---- version 1: sections 4, 5 and 15 to 17 of arithmetic.md ---- */

static const struct { int a, m[7]; } JOE_KUO[31] = {
    {0, {1}}, {1, {1, 3}}, {1, {1, 3, 1}}, {2, {1, 1, 1}}, {1, {1, 1, 3, 3}}, {4, {1, 3, 5, 13}}, {2, {1, 1, 5, 5, 17}},
    {4, {1, 1, 5, 5, 5}}, {7, {1, 1, 7, 11, 19}}, {11, {1, 1, 5, 1, 1}}, {13, {1, 1, 1, 3, 11}}, {14, {1, 3, 5, 5, 31}},
    {1, {1, 3, 3, 9, 7, 49}}, {13, {1, 1, 1, 15, 21, 21}}, {16, {1, 3, 1, 13, 27, 49}}, {19, {1, 1, 1, 15, 7, 5}},
    {22, {1, 3, 1, 15, 13, 25}}, {25, {1, 1, 5, 5, 19, 61}}, {1, {1, 3, 7, 11, 23, 15, 103}}, {4, {1, 3, 7, 13, 13, 15, 69}},
    {7, {1, 1, 3, 13, 7, 35, 63}}, {8, {1, 3, 5, 9, 1, 25, 53}}, {14, {1, 3, 1, 13, 9, 35, 107}}, {19, {1, 3, 1, 5, 27, 61, 31}},
    {21, {1, 1, 5, 11, 19, 41, 61}}, {28, {1, 3, 5, 3, 3, 13, 69}}, {31, {1, 1, 7, 13, 1, 19, 1}}, {32, {1, 3, 7, 5, 13, 19, 59}},
    {37, {1, 1, 3, 9, 25, 29, 41}}, {41, {1, 3, 5, 13, 23, 1, 55}}, {42, {1, 3, 7, 3, 13, 59, 17}}};

static uint32_t direction(int d, int k) {  /* V_k of 16 bits */
    uint32_t m[16];
    int s = 0;
    if (!d) return 1u << (15 - k);
    while (s < 7 && JOE_KUO[d - 1].m[s]) m[s] = JOE_KUO[d - 1].m[s], s++;
    for (int i = s; i < 16; i++) {
        m[i] = m[i - s] ^ m[i - s] << s;
        for (int j = 1; j < s; j++)
            if (JOE_KUO[d - 1].a >> (s - 1 - j) & 1) m[i] ^= m[i - j] << j;
    }
    return m[k] << (15 - k);
}

/* The numbers of the next window of a channel, one a position. */
static void next_window(const network *n, int c, uint64_t *registers, whole window, uint32_t *numbers) {
    memset(numbers, 0, n->length * sizeof *numbers);
    if (n->sobol) {
        for (int k = 0; k < 16; k++) {
            uint32_t v = direction(n->dimensions[c], k);
            for (int t = 0; t < n->length; t++) {
                uint64_t i = ((uint64_t)window * n->length + t) & 0xffff;
                if ((i ^ i >> 1) >> k & 1) numbers[t] ^= v;
            }
        }
        return;
    }
    for (int b = 0; b < 16; b++)
        for (int t = 0; t < n->length; t++) {
            uint64_t *state = &registers[16 * c + b], new = 0;
            for (int k = 0; k < 4; k++) new ^= *state >> (n->stream_taps[k] - 1) & 1;
            *state = (*state << 1 | new) & mask(n->stream_width);
            numbers[t] |= (uint32_t)new << b;
        }
}

static int has_target(const network *n, whole source, whole j) {
    for (whole k = get(&n->indptr, source); k < get(&n->indptr, source + 1); k++)
        if (get(&n->indices, k) == j) return 1;
    return 0;
}

static void deliver_streams(const network *n, const whole *sources, whole count, whole *inputs, uint64_t *registers, whole *window) {
    uint32_t numbers[1024];
    for (whole first = 0; first < count; first += n->channels)
        for (whole j = 0; j < n->n; j++) {
            whole total = 0, used = 0, group = count - first < n->channels ? count - first : n->channels;
            for (whole c = 0; c < group; c++) used |= has_target(n, sources[first + c], j);
            if (!used) continue;
            for (int c = 0; c < n->channels; c++) {
                next_window(n, c, registers, *window, numbers);  /* of every channel, used or not */
                if (c >= group || !has_target(n, sources[first + c], j)) continue;
                whole ones = 0, s = sources[first + c];
                for (int t = 0; t < n->length; t++) ones += numbers[t] < (uint64_t)get(&n->probabilities, s);
                total += get(&n->weights, s) < 0 ? -ones : ones;
            }
            ++*window;
            int k = 0;
            while (1 << k < n->length) k++;
            inputs[j] += (total * n->scale + n->length / 2) >> k;
        }
}

static void run_first(const network *n) {
    whole *v = calloc(3 * n->n, sizeof *v), *inputs = calloc(n->n, sizeof *inputs), window = 0, kept = n->delay + 1;
    uint64_t *state = calloc(n->n, sizeof *state), registers[128];
    whole *spikes = calloc(kept * n->n, sizeof *spikes), *counts = calloc(kept, sizeof *counts);
    for (whole i = 0; i < n->n; i++) v[3 * i] = get(&n->v0, i), state[i] = (uint64_t)get(&n->seeds, i);
    for (whole k = 0; k < n->stream_seeds.count; k++) registers[k] = (uint64_t)get(&n->stream_seeds, k);
    for (whole t = 0; t < n->steps; t++) {
        whole *fired = &spikes[t % kept * n->n], *count = &counts[t % kept];
        *count = 0;
        for (whole i = 0; i < n->n; i++) {
            whole *mine = &v[3 * i], u = (whole)(state[i] >> 32 & mask(n->leak_fraction));  /* v, hold, overflow */
            whole e = n->has_external ? get(&n->external, t * n->n + i) : above(&n->limits, state[i] & mask(32));
            state[i] = leap(state[i], n);
            whole current = inputs[i] + e * n->drive_weight, over = 0;
            format sums = {n->f.width + 4, 0};
            current = fit(current, sums, WRAP, &over);
            over = inputs[i] = 0;
            if (mine[1]) {
                mine[1]--;
                continue;
            }
            whole x = mine[0] + round_product((n->rest - mine[0]) * n->leak, n->leak_fraction, n->rounding, u) + current;
            mine[0] = fit(x, n->f, n->overflow, &mine[2]);
            if (mine[0] >= n->threshold) {
                fired[(*count)++] = i;
                mine[0] = n->reset;
                mine[1] = n->refractory;
            }
        }
        print_row("spikes", fired, *count);
        print_row("states", v, 3 * n->n);
        if (t + 1 < n->delay) continue;
        const whole *sources = &spikes[(t + 1 - n->delay) % kept * n->n], due = counts[(t + 1 - n->delay) % kept];
        if (n->streams) {
            deliver_streams(n, sources, due, inputs, registers, &window);
            continue;
        }
        for (whole s = 0; s < due; s++)
            for (whole k = get(&n->indptr, sources[s]); k < get(&n->indptr, sources[s] + 1); k++)
                inputs[get(&n->indices, k)] += get(&n->weights, sources[s]);
    }
    print_generators(state, n->n);
}

/* ---- version 2: sections 2 and 3 of point_networks.md ---- */

/* A neuron of a population with its state, which begins with v and hold, or v and u, then overflow. */
static whole step_linear(const population *p, const whole *set, whole *state, const whole *sums, whole u, whole noise) {
    whole v = state[0], *hold = &state[1], *overflow = &state[2], *fired = &state[3], *currents = state + 3 + p->brian2;
    whole *theta = currents + p->currents, *w = theta + p->has_theta, began_held = *hold > 0, moves, spike = 0;
    const whole leak = set[0], rest = set[1], threshold = set[2], reset = set[3], refractory = set[4], bias = set[5];
    const whole *of_theta = set + 6 + 2 * p->currents, *of_w = of_theta + 2 * p->has_theta;
    whole A = noise, kick = p->kicks ? sums[p->currents] : 0;
    moves = p->brian2 ? *hold <= 1 : *hold == 0;  /* in Brian2's order hold counts down before it is asked */
    if (p->held == 1) moves = 1;
    for (int k = 0; k < p->currents; k++) {
        whole c = fit(currents[k] + (p->held == 2 && began_held ? 0 : sums[k]), p->current, p->overflow, overflow);
        A += round_product(c * set[7 + 2 * k], p->coupling_shift, p->rounding, 0);
        currents[k] = p->held == 2 && !moves ? c : c - round_product(c * set[6 + 2 * k], p->decay_fraction, p->rounding, 0);
    }
    whole jumps = 0;
    if (p->brian2) {
        if (!began_held || p->held == 1) v = fit(v + kick, p->v, p->overflow, overflow);
        kick = 0;
        jumps = *fired;
        if (*fired) v = p->subtract ? fit(v - reset, p->v, p->overflow, overflow) : reset;
        *fired = 0;
    }
    if (jumps && p->has_theta) *theta = fit(*theta + of_theta[0], p->theta, p->overflow, overflow);
    if (jumps && p->has_w) *w = fit(*w + of_w[0], p->w, p->overflow, overflow);
    if (p->has_w) {
        A -= round_product(*w * of_w[2], p->coupling_shift, p->rounding, 0);
        whole pull = p->has_slope ? round_product((v - rest) * of_w[3], p->coupling_shift, p->rounding, 0) : 0;
        *w = fit(*w - round_product(*w * of_w[1], p->w_fraction, p->rounding, 0) + pull, p->w, p->overflow, overflow);
    }
    if (p->has_theta) *theta -= round_product(*theta * of_theta[1], p->theta_fraction, p->rounding, 0);
    whole free_now = p->brian2 ? *hold <= 1 : *hold == 0;
    if (*hold) --*hold;
    if (moves) v = fit(v + round_product((rest - v) * leak, p->leak_fraction, p->rounding, u) + kick + A + bias, p->v, p->overflow, overflow);
    if (free_now) {
        int finer = p->has_theta ? p->theta.fraction - p->v.fraction : 0;
        wide bound = (wide)threshold * ((wide)1 << finer) + (p->has_theta ? *theta : 0), mine = (wide)v * ((wide)1 << finer);
        spike = p->brian2 ? mine > bound : mine >= bound;
    }
    if (spike) {
        *hold = refractory;
        if (p->brian2) {
            *fired = 1;
        } else {
            v = p->subtract ? fit(v - reset, p->v, p->overflow, overflow) : reset;
            if (p->has_theta) *theta = fit(*theta + of_theta[0], p->theta, p->overflow, overflow);
            if (p->has_w) *w = fit(*w + of_w[0], p->w, p->overflow, overflow);
        }
    }
    state[0] = v;
    return spike;
}

static whole step_izhikevich(const population *p, const whole *set, whole *state, whole kick) {
    whole v = state[0], u = state[1], *overflow = &state[2], *fired = &state[3], spike;
    const whole square = set[0], slope = set[1], bias = set[2], a = set[3], b = set[4], c = set[5], d = set[6], peak = set[7];
    const int mode = p->rounding;
    if (p->brian2) {
        v = fit(v + kick, p->v, p->overflow, overflow);
        kick = 0;
        if (*fired) v = c, u = fit(u + d, p->u, p->overflow, overflow);
    }
    whole steep = round_product(v * square, p->square_shift, mode, 0) + slope;
    whole x = v + round_product(v * steep, p->slope_fraction, mode, 0) - round_product(u, p->u.fraction - p->v.fraction, mode, 0) + kick + bias;
    whole y = u + round_product((round_product(v * b, p->b_shift, mode, 0) - u) * a, p->a_fraction, mode, 0);
    x = fit(x, p->v, p->overflow, overflow);
    y = fit(y, p->u, p->overflow, overflow);
    spike = p->brian2 ? x > peak : x >= peak;
    if (p->brian2) *fired = spike;
    else if (spike) x = c, y = fit(y + d, p->u, p->overflow, overflow);
    state[0] = x;
    state[1] = y;
    return spike;
}

/* All synapses of a source, one list after the other. */
typedef struct { whole target, port, weight, delay; } synapse;
typedef struct { synapse *list; whole count, room; } row;

static void add_synapse(row *r, whole target, whole port, whole weight, whole delay) {
    if (r->count == r->room) r->list = realloc(r->list, (r->room = 2 * r->room + 4) * sizeof *r->list);
    r->list[r->count++] = (synapse){target, port, weight, delay};
}

static row *all_rows(const network *n, whole sources) {
    row *rows = calloc(sources, sizeof *rows);
    for (whole k = 0; k < n->projection_count; k++) {
        const projection *p = &n->projections[k];
        const population *target = &n->populations[p->target];
        if (p->generated) {
            whole *from = malloc(2 * p->in_degree * target->size * sizeof *from), *to = from + p->in_degree * target->size;
            whole count = generate(p, target->size, target->first, from, to);
            for (whole i = 0; i < count; i++) add_synapse(&rows[p->source_first + from[i]], target->first + to[i], p->port, p->weight, p->delay);
            free(from);
            continue;
        }
        for (whole s = 0; s < p->sources; s++)
            for (whole i = get(&p->indptr, s); i < get(&p->indptr, s + 1); i++)
                add_synapse(&rows[p->source_first + s], target->first + get(&p->indices, i), p->port, get(&p->weights, i), get(&p->delays, i));
    }
    return rows;
}

static whole step_neuron(const population *p, whole i, whole *state, whole *sums, uint64_t before) {
    whole set[16], noise = 0, u = p->rounding == STOCHASTIC ? (whole)(before >> 32 & mask(p->leak_fraction)) : 0;
    for (int k = 0; k < p->columns; k++) set[k] = get(&p->sets, get(&p->index, i) * p->columns + k);
    if (p->kind == BERNOULLI) return (whole)(before & mask(32)) < set[0];
    if (p->drive.present) sums[p->drive.port] += (p->drive.offset + above(&p->drive.limits, before & mask(32))) * p->drive.weight;
    if (p->noise.present) noise = (above(&p->noise.limits, before >> 32) - p->noise.limits.count / 2) * p->noise.weight;
    return p->kind == IZHIKEVICH ? step_izhikevich(p, set, state, sums[0]) : step_linear(p, set, state, sums, u, noise);
}

static void run_points(const network *n) {
    whole sources = n->n, all_states = 0, *next_event = calloc(n->input_count + 1, sizeof *next_event);
    for (whole k = 0; k < n->input_count; k++) sources += n->inputs[k].size;
    for (whole k = 0; k < n->population_count; k++) all_states += n->populations[k].states * n->populations[k].size;
    row *rows = all_rows(n, sources);
    whole *states = calloc(all_states + 1, sizeof *states), *sums = calloc(256 * 3 * n->n, sizeof *sums), *fired = calloc(sources, sizeof *fired);
    uint64_t *registers = calloc(n->n, sizeof *registers);
    whole *state = states;
    for (whole k = 0; k < n->population_count; k++)
        for (whole i = 0; i < n->populations[k].size; i++)
            for (int s = 0; s < n->populations[k].states; s++) *state++ = get(&n->populations[k].state[s], i);
    for (whole i = 0; i < n->n; i++) registers[i] = (uint64_t)get(&n->seeds, i);
    for (whole t = 0; t < n->steps; t++) {
        whole count = 0, spikes;
        state = states;
        for (whole k = 0; k < n->population_count; k++)
            for (whole i = 0; i < n->populations[k].size; i++, state += n->populations[k].states) {
                whole number = n->populations[k].first + i, *due = &sums[(t % 256 * n->n + number) * 3];
                uint64_t before = registers[number];
                if (before) registers[number] = leap(before, n);
                if (step_neuron(&n->populations[k], i, state, due, before)) fired[count++] = number;
                due[0] = due[1] = due[2] = 0;
            }
        spikes = count;
        for (whole k = 0; k < n->input_count; k++)
            for (whole *e = &next_event[k]; *e < n->inputs[k].steps.count && get(&n->inputs[k].steps, *e) == t; ++*e)
                fired[count++] = n->inputs[k].first + get(&n->inputs[k].channels, *e);
        for (whole k = 0; k < count; k++)
            for (whole i = 0; i < rows[fired[k]].count; i++) {
                synapse *s = &rows[fired[k]].list[i];
                sums[((t + s->delay) % 256 * n->n + s->target) * 3 + s->port] += s->weight;
            }
        print_row("spikes", fired, spikes);
        print_row("states", states, all_states);
    }
    print_generators(registers, n->n);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: %s FILE\n", arguments[0]);
        return 1;
    }
    network n = read_network(arguments[1]);
    if (n.version == 1) run_first(&n);
    else run_points(&n);
    return 0;
}
