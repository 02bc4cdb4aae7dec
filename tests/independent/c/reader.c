/* The file: its frame, and all of version 1. */

#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json *entries;
static int next_entry;
static const uint8_t *body, *body_end;

int64_t get(const array *a, int64_t k) {
    int size = a->type[2] - '0';
    uint64_t x = 0;
    for (int i = size - 1; i >= 0; i--) x = x << 8 | a->bytes[k * size + i];
    if (a->type[1] == 'i' && size == 4) return (int32_t)(uint32_t)x;
    return (int64_t)x;  /* <i8 as it is; <u8 is taken back by a cast */
}

int64_t low(format f) { return -((int64_t)1 << (f.width - 1)); }
int64_t high(format f) { return ((int64_t)1 << (f.width - 1)) - 1; }

array take(const char *name, const char *type, int dimensions, int64_t first, int64_t second) {
    array made = {.name = name, .dimensions = dimensions, .count = 1};
    need(next_entry < entries->size, "fewer arrays than there have to be: %s is absent", name);
    json *entry = &entries->items[next_entry++];
    keys(entry, "dtype name shape");
    one_of(entry, "name", name);
    one_of(entry, "dtype", type);
    strcpy(made.type, type);
    json *shape = find(entry, "shape");
    need(shape->kind == 'a' && shape->size == dimensions, "shape of %s", name);
    for (int k = 0; k < dimensions; k++) {
        int64_t asked = k ? second : first;
        need(shape->items[k].kind == 'i' && shape->items[k].number >= 0 && shape->items[k].number < (int64_t)1 << 40, "shape of %s", name);
        made.shape[k] = (int64_t)shape->items[k].number;
        need(asked < 0 || made.shape[k] == asked, "shape of %s", name);
        need(!made.shape[k] || made.count <= ((int64_t)1 << 40) / made.shape[k], "shape of %s", name);
        made.count *= made.shape[k];
    }
    made.bytes = body;
    need(made.count * (type[2] - '0') <= body_end - body, "the file ends within %s", name);
    body += made.count * (type[2] - '0');
    return made;
}

format read_format(json *object, const char *key) {
    json *found = find(object, key);
    keys(found, "fraction width");
    format f;
    f.width = (int)integer(found, "width", 2, 32);
    f.fraction = (int)integer(found, "fraction", 1, f.width - 1);
    need(f.width + f.fraction <= 54, "width and fraction of %s are above 54 together", key);
    return f;
}

static int taps_of(json *lfsr, int width, int taps[64]) {
    json *found = find(lfsr, "taps");
    need(found->kind == 'a' && found->size >= 1 && found->size <= 64, "taps are no list");
    for (int k = 0; k < found->size; k++) {
        need(found->items[k].kind == 'i' && found->items[k].number >= 1, "a tap is no integer of 1 or more");
        need(k ? found->items[k].number < taps[k - 1] : found->items[k].number == width, "taps do not descend from the width");
        taps[k] = (int)found->items[k].number;
    }
    return found->size;
}

void read_register(network *n, json *header, int least) {
    json *lfsr = find(header, "lfsr");
    keys(lfsr, "leap taps width");
    n->width = (int)integer(lfsr, "width", least > 3 ? least : 3, 64);
    n->tap_count = taps_of(lfsr, n->width, n->taps);
    n->leap = (int)integer(lfsr, "leap", 32, n->taps[n->tap_count - 1]);
}

void ascending_table(const array *limits) {
    int depth = 1;
    while (depth < 8 && limits->count != (1 << depth) - 1) depth++;
    need(limits->count == (1 << depth) - 1, "%s has no 2^depth - 1 entries", limits->name);
    for (int64_t k = 1; k < limits->count; k++) need(get(limits, k) >= get(limits, k - 1), "%s does not ascend", limits->name);
}

static void in_format(const array *a, format f) {
    for (int64_t k = 0; k < a->count; k++) need(get(a, k) >= low(f) && get(a, k) <= high(f), "%s is outside the format", a->name);
}

static void states_of(const array *a, int width) {
    for (int64_t k = 0; k < a->count; k++) {
        uint64_t x = (uint64_t)get(a, k);
        need(x && (width == 64 || x >> width == 0), "%s has a state of 0, or of more bits than the register", a->name);
    }
}

static void read_streams(network *n, json *streams) {
    keys(streams, "channels dimensions generator length lfsr scale");
    n->streams = 1;
    n->sobol = one_of(streams, "generator", "lfsr sobol");
    n->length = (int)integer(streams, "length", 64, 1024);
    need((n->length & (n->length - 1)) == 0, "length is no power of two");
    n->channels = (int)integer(streams, "channels", 1, 8);
    n->scale = integer(streams, "scale", 1, high(n->f));
    json *lfsr = find(streams, "lfsr"), *dimensions = find(streams, "dimensions");
    int taps[64];
    keys(lfsr, "taps width");
    n->stream_width = (int)integer(lfsr, "width", 3, 64);
    need(n->stream_width <= n->length, "width of the streams' registers is above the length");
    need(taps_of(lfsr, n->stream_width, taps) == 4, "the streams' registers have four taps");
    memcpy(n->stream_taps, taps, sizeof n->stream_taps);
    need(dimensions->kind == 'a' && dimensions->size == (n->sobol ? n->channels : 0), "a number of dimensions that is not the channels'");
    for (int c = 0; c < dimensions->size; c++) {
        need(dimensions->items[c].kind == 'i' && dimensions->items[c].number >= 0 && dimensions->items[c].number < 32, "a dimension is outside 0..31");
        n->dimensions[c] = (int)dimensions->items[c].number;
        for (int d = 0; d < c; d++) need(n->dimensions[c] != n->dimensions[d], "two dimensions are the same");
    }
}

static void no_sum_leaves(const network *n) {
    wide *sums = calloc(n->n, sizeof *sums), most = ((wide)1 << (n->f.width + 3)) - 1;
    for (int64_t s = 0; s < n->n; s++) {
        int64_t weight = llabs(get(&n->weights, s));
        if (n->streams && weight < n->scale) weight = n->scale;
        for (int64_t k = get(&n->indptr, s); k < get(&n->indptr, s + 1); k++) sums[get(&n->indices, k)] += weight;
    }
    for (int64_t i = 0; i < n->n; i++)
        need(sums[i] + (wide)llabs(n->drive_weight) * n->limits.count <= most, "the inputs of neuron %lld could leave their bits", (long long)i);
    free(sums);
}

void rows_ascend(const array *indptr, int64_t synapses) {
    need(get(indptr, 0) == 0 && get(indptr, indptr->count - 1) == synapses, "%s does not go from 0 to the number of synapses", indptr->name);
    for (int64_t s = 1; s < indptr->count; s++) need(get(indptr, s) >= get(indptr, s - 1), "%s falls", indptr->name);
}

static void read_lif(network *n, json *lif, json *header) {
    keys(lif, find(lif, "leak_fraction") ? "gain leak leak_fraction overflow refractory reset rest rounding threshold"
                                         : "gain leak overflow refractory reset rest rounding threshold");
    n->leak_fraction = find(lif, "leak_fraction") ? (int)integer(lif, "leak_fraction", n->f.fraction + 1, 28) : n->f.fraction;
    integer(lif, "gain", (int64_t)1 << n->f.fraction, (int64_t)1 << n->f.fraction);
    n->leak = integer(lif, "leak", 1, (int64_t)1 << n->leak_fraction);
    n->rest = integer(lif, "rest", low(n->f), high(n->f));
    n->threshold = integer(lif, "threshold", low(n->f), high(n->f));
    n->reset = integer(lif, "reset", low(n->f), high(n->f));
    need(n->reset < n->threshold, "reset is not below the threshold");
    n->refractory = integer(lif, "refractory", 0, 255);
    n->rounding = one_of(lif, "rounding", "floor nearest stochastic");
    n->overflow = one_of(lif, "overflow", "saturate wrap");
    n->drive_weight = integer(find(header, "drive"), "weight", low(n->f), high(n->f));
}

void read_first(network *n, json *header) {
    keys(header, find(header, "streams") ? "arrays delay drive dt_ns format lfsr lif n_exc n_inh name source steps streams"
                                         : "arrays delay drive dt_ns format lfsr lif n_exc n_inh name source steps");
    n->f = read_format(header, "format");
    n->n = integer(header, "n_exc", 0, (int64_t)1 << 32) + integer(header, "n_inh", 0, (int64_t)1 << 32);
    need(n->n >= 1, "there is no neuron");
    n->delay = (int)integer(header, "delay", 1, 63);
    keys(find(header, "drive"), "weight");
    read_lif(n, find(header, "lif"), header);
    read_register(n, header, 32 + n->leak_fraction);
    if (find(header, "streams")) read_streams(n, find(header, "streams"));
    n->indptr = take("indptr", "<u4", 1, n->n + 1, 0);
    n->indices = take("indices", "<u4", 1, -1, 0);
    n->weights = take("weights", "<i4", 1, n->n, 0);
    n->seeds = take("seeds", "<u8", 1, n->n, 0);
    n->v0 = take("v0", "<i4", 1, n->n, 0);
    n->limits = take("limits", "<u4", 1, -1, 0);
    if (next_entry < entries->size && find(&entries->items[next_entry], "shape") && find(&entries->items[next_entry], "shape")->size == 2) {
        n->has_external = 1;
        n->external = take("external", "|u1", 2, n->steps, n->n);
    }
    if (n->streams) {
        n->probabilities = take("probabilities", "<u4", 1, n->n, 0);
        n->stream_seeds = take("stream_seeds", "<u8", 1, n->sobol ? 0 : 16 * n->channels, 0);
        states_of(&n->stream_seeds, n->stream_width);
        for (int64_t a = 0; a < n->stream_seeds.count; a++)
            for (int64_t b = 0; b < a; b++) need(get(&n->stream_seeds, a) != get(&n->stream_seeds, b), "two registers of streams hold the same");
        for (int64_t s = 0; s < n->n; s++) need(get(&n->probabilities, s) <= 1 << 16, "a probability is above 2^16");
    }
    rows_ascend(&n->indptr, n->indices.count);
    for (int64_t s = 0; s < n->n; s++)
        for (int64_t k = get(&n->indptr, s); k < get(&n->indptr, s + 1); k++) {
            need(get(&n->indices, k) < n->n, "a target is not below the number of neurons");
            need(k == get(&n->indptr, s) || get(&n->indices, k) > get(&n->indices, k - 1), "targets do not ascend, or repeat");
        }
    in_format(&n->weights, n->f);
    in_format(&n->v0, n->f);
    states_of(&n->seeds, n->width);
    ascending_table(&n->limits);
    no_sum_leaves(n);
}

network read_network(const char *path) {
    FILE *file = fopen(path, "rb");
    need(file != NULL, "%s cannot be read", path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(size + 1);
    need(fread(data, 1, size, file) == size, "%s cannot be read", path);
    fclose(file);
    data[size] = 0;
    const char *lines[] = {"spikegate network 1\n", "spikegate network 2\n"};
    const size_t first = strlen(lines[0]);
    network n = {0};
    for (int k = 0; k < 2; k++)
        if (size > first + 65 && !memcmp(data, lines[k], first)) n.version = k + 1;
    need(n.version, "the first line is that of no network");
    char hex[65];
    sha256(data + first + 65, size - first - 65, hex);
    need(!memcmp(data + first, hex, 64) && data[first + 64] == '\n', "the hash is not that of the content");
    char *header = (char *)data + first + 65, *end = memchr(header, '\n', data + size - (uint8_t *)header);
    need(end != NULL && !memchr(header, 0, end - header), "the header does not end");
    *end = 0;
    json *read = malloc(sizeof *read);
    *read = parse(header, end - header);
    body = (uint8_t *)end + 1;
    body_end = data + size;
    entries = find(read, "arrays");
    need(entries && entries->kind == 'a', "arrays are no list");
    n.steps = integer(read, "steps", 1, ((int64_t)1 << 31) - 1);
    integer(read, "dt_ns", 1, 1000000000);
    need(printable(find(read, "name")), "name is not printable");
    need(plain(find(read, "source")), "source is not plain");
    if (n.version == 1) read_first(&n, read);
    else read_points(&n, read);
    need(next_entry == entries->size, "more arrays than there have to be");
    need(body == body_end, "bytes follow the last array");
    return n;
}
