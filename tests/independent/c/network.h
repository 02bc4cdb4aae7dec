/* A network of either version, as the reader hands it to the engines: every limit of the two pages holds. */

#ifndef NETWORK_H
#define NETWORK_H

#include "form.h"

enum { LIF, CUBA, KICKED, ADAPTIVE, BERNOULLI, IZHIKEVICH };
enum { FLOOR, NEAREST, STOCHASTIC };
enum { SATURATE, WRAP };

/* An array of the file: little-endian numbers, taken out by `get`. */
typedef struct {
    const char *name;
    const uint8_t *bytes;
    char type[4];
    int dimensions;
    int64_t shape[2], count;
} array;

typedef struct { int width, fraction; } format;

/* Noise or drive: a table of limits and what it is worth. */
typedef struct { int present, port; int64_t weight, offset; array limits; } table;

typedef struct {
    int kind, rounding, overflow, brian2, subtract, held;   /* held: 0 membrane, 1 spikes, 2 all */
    int currents, kicks, has_theta, has_w, has_slope;       /* how many currents; whether there is a port v */
    format v, current, theta, w, u;
    int leak_fraction, decay_fraction, coupling_bits, coupling_shift, theta_fraction, w_fraction;
    int slope_fraction, square_bits, square_shift, a_fraction, b_bits, b_shift;
    char *names[2];                                         /* of the currents, each up to its quote */
    int states, columns, ports;
    int64_t size, first;
    array sets, index, state[10];
    table drive, noise;
} population;

typedef struct { char *name; int64_t size, first; array steps, channels; } input;

typedef struct {
    int64_t source, sources, source_first, target, port;    /* source counts populations, then inputs */
    int generated, recurrent;
    int64_t in_degree, weight, delay, lanes;
    uint64_t seed;
    array indptr, indices, weights, delays;
} projection;

typedef struct {
    int version, width, taps[64], tap_count, leap;
    int64_t steps, n;
    array seeds;
    /* version 1 */
    format f;
    int delay, leak_fraction, rounding, overflow, has_external, streams, sobol, length, channels, stream_width, stream_taps[4], dimensions[8];
    int64_t drive_weight, threshold, reset, rest, leak, refractory, scale;
    array indptr, indices, weights, v0, limits, external, probabilities, stream_seeds;
    /* version 2 */
    population *populations;
    input *inputs;
    projection *projections;
    int64_t population_count, input_count, projection_count;
} network;

int64_t get(const array *a, int64_t k);
int64_t low(format f);
int64_t high(format f);
network read_network(const char *path);
/* Parts of the reader. */
array take(const char *name, const char *type, int dimensions, int64_t first, int64_t second);  /* a size of -1: any */
void read_first(network *n, json *header);
void read_points(network *n, json *header);
format read_format(json *object, const char *key);
void read_register(network *n, json *header, int least);
void ascending_table(const array *limits);
void rows_ascend(const array *indptr, int64_t synapses);
/* The pairs of section 6 of point_networks.md; returns how many, with room for `in_degree` times targets. */
int64_t generate(const projection *p, int64_t targets, int64_t target_first, int64_t *from, int64_t *to);

#endif
