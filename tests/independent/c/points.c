/* The file of version 2. */

#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_name(const char *text) {
    int size = 0;
    for (; *text != '"'; text++, size++)
        if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '_' || (size && *text >= '0' && *text <= '9'))) return 0;
    return size > 0;
}

static int equal(const char *a, const char *b) {  /* two names, each up to its quote */
    while (*a == *b && *a != '"') a++, b++;
    return *a == *b;
}

static char *name_of(json *object) {
    json *found = find(object, "name");
    need(found->kind == 's' && is_name(found->text), "a name is not of letters, digits and _");
    return found->text;
}

static int truth(json *object, const char *key) {
    json *found = find(object, key);
    need(found->kind == 't', "%s is not true or false", key);
    return (int)found->number;
}

static format format_or_null(json *object, const char *key, int *present) {
    *present = find(object, key)->kind != 'n';
    return *present ? read_format(object, key) : (format){0, 0};
}

static void read_currents(population *p, json *neuron) {
    json *list = find(neuron, "currents");
    need(list->kind == 'a' && list->size <= 2, "currents are a list of at most two");
    p->currents = list->size;
    for (int k = 0; k < p->currents; k++) {
        const char *taken[] = {"v\"", "hold\"", "overflow\"", "fired\"", "theta\"", "w\""};
        need(list->items[k].kind == 's' && is_name(list->items[k].text), "a name of a current is not of letters, digits and _");
        p->names[k] = list->items[k].text;
        for (int i = 0; i < (p->kind == ADAPTIVE ? 6 : 4); i++) need(!equal(p->names[k], taken[i]), "a current is named as a state");
    }
    need(p->currents < 2 || !equal(p->names[0], p->names[1]), "two currents have one name");
    need(p->kind == ADAPTIVE || (p->kind == LIF) == (p->currents == 0), "kind is not that of its currents");
}

static void read_linear(population *p, json *neuron) {
    int held = find(neuron, "held") != NULL;
    keys(neuron, p->kind == ADAPTIVE
        ? (held ? "coupling_bits coupling_shift current_format currents decay_fraction format held kicks kind leak_fraction order overflow reset "
                  "rounding slope theta_format theta_fraction w_format w_fraction"
                : "coupling_bits coupling_shift current_format currents decay_fraction format kicks kind leak_fraction order overflow reset rounding "
                  "slope theta_format theta_fraction w_format w_fraction")
        : (held ? "coupling_bits coupling_shift current_format currents decay_fraction format held kind leak_fraction order overflow reset rounding"
                : "coupling_bits coupling_shift current_format currents decay_fraction format kind leak_fraction order overflow reset rounding"));
    read_currents(p, neuron);
    p->v = read_format(neuron, "format");
    p->current = read_format(neuron, "current_format");
    p->leak_fraction = (int)integer(neuron, "leak_fraction", 1, 28);
    p->decay_fraction = (int)integer(neuron, "decay_fraction", 1, 28);
    p->coupling_bits = (int)integer(neuron, "coupling_bits", 1, 24);
    p->coupling_shift = (int)integer(neuron, "coupling_shift", 0, 40);
    if (p->kind == ADAPTIVE) {
        p->theta = format_or_null(neuron, "theta_format", &p->has_theta);
        p->w = format_or_null(neuron, "w_format", &p->has_w);
        p->theta_fraction = (int)integer(neuron, "theta_fraction", 1, 28);
        p->w_fraction = (int)integer(neuron, "w_fraction", 1, 28);
        p->has_slope = truth(neuron, "slope");
        int kicks = truth(neuron, "kicks");
        need(p->has_theta || p->has_w, "there is neither theta nor w");
        need(!p->has_theta || p->theta.fraction >= p->v.fraction, "theta has fewer fraction bits than the membrane");
        need(!p->has_slope || p->has_w, "a slope without w");
        need(!kicks || p->currents, "kicks without currents");
        p->kicks = kicks || !p->currents;
    } else {
        p->kicks = p->kind != CUBA;
    }
    p->rounding = one_of(neuron, "rounding", p->currents || p->has_theta || p->has_w ? "floor nearest" : "floor nearest stochastic");
    p->subtract = one_of(neuron, "reset", "value subtract");
    p->held = held ? 1 + one_of(neuron, "held", p->currents ? "spikes all" : "spikes") : 0;
    p->ports = p->currents + p->kicks;
    p->columns = 6 + 2 * p->currents + 2 * p->has_theta + (3 + p->has_slope) * p->has_w;
}

static void read_izhikevich(population *p, json *neuron) {
    keys(neuron, "a_fraction b_bits b_shift format kind order overflow rounding slope_fraction square_bits square_shift u_format");
    p->v = read_format(neuron, "format");
    p->u = read_format(neuron, "u_format");
    need(p->u.fraction >= p->v.fraction, "u has fewer fraction bits than the membrane");
    p->slope_fraction = (int)integer(neuron, "slope_fraction", 1, 24);
    p->square_bits = (int)integer(neuron, "square_bits", 1, 24);
    p->square_shift = (int)integer(neuron, "square_shift", 0, 40);
    p->a_fraction = (int)integer(neuron, "a_fraction", 1, 28);
    p->b_bits = (int)integer(neuron, "b_bits", 2, 24);
    p->b_shift = (int)integer(neuron, "b_shift", 0, 40);
    need(2 * p->v.width + p->square_bits - p->square_shift <= 61, "a product with square has more than 61 bits");
    need(p->v.width + p->b_bits + p->a_fraction - p->b_shift <= 61, "a product with b has more than 61 bits");
    p->rounding = one_of(neuron, "rounding", "floor nearest");
    p->kicks = p->ports = 1;
    p->columns = 8;
}

static format port_format(const population *p, int64_t port) { return port < p->currents ? p->current : p->v; }

static int64_t port_of(const population *p, json *object) {
    json *found = find(object, "port");
    need(found->kind == 's', "a port is no text");
    for (int k = 0; k < p->currents; k++)
        if (equal(found->text, p->names[k])) return k;
    need(p->kicks && equal(found->text, "v\""), "a port that the neurons do not have");
    return p->currents;
}

static void read_structure(population *p, json *each) {
    json *neuron = find(each, "neuron"), *drive = find(each, "drive"), *noise = find(each, "noise");
    need(neuron->kind == 'o' && find(neuron, "kind"), "a neuron without a kind");
    p->kind = one_of(neuron, "kind", "lif cuba_lif kicked_cuba_lif adaptive_lif bernoulli izhikevich");
    if (p->kind == BERNOULLI) {
        keys(neuron, "kind");
        p->columns = 1;
    } else {
        if (p->kind == IZHIKEVICH) read_izhikevich(p, neuron);
        else read_linear(p, neuron);
        p->overflow = one_of(neuron, "overflow", "saturate wrap");
        p->brian2 = one_of(neuron, "order", "published brian2");
    }
    if (drive->kind != 'n') {
        keys(drive, "offset port weight");
        p->drive.present = 1;
        p->drive.port = (int)port_of(p, drive);
        p->drive.offset = integer(drive, "offset", 0, 65535);
        p->drive.weight = integer(drive, "weight", low(port_format(p, p->drive.port)), high(port_format(p, p->drive.port)));
    }
    if (noise) {
        keys(noise, "weight");
        need(p->kind != BERNOULLI && p->kind != IZHIKEVICH && p->rounding != STOCHASTIC,
             "noise of a bernoulli or an izhikevich, or with stochastic rounding");
        p->noise.present = 1;
        p->noise.weight = integer(noise, "weight", low(p->v), high(p->v));
    }
}

static void column(const population *p, int *next, int64_t least, int64_t most, const char *what) {
    for (int64_t s = 0; s < p->sets.shape[0]; s++) {
        int64_t x = get(&p->sets, s * p->columns + *next);
        need(x >= least && x <= most, "%s lies outside its range", what);
    }
    ++*next;
}

static void check_sets(const population *p) {
    int next = 0;
    const int64_t least = low(p->v), most = high(p->v), coupling = ((int64_t)1 << p->coupling_bits) - 1;
    if (p->kind == BERNOULLI) {
        column(p, &next, 0, (int64_t)1 << 32, "chance");
        return;
    }
    if (p->kind == IZHIKEVICH) {
        column(p, &next, 0, ((int64_t)1 << p->square_bits) - 1, "square");
        column(p, &next, -((int64_t)8 << p->slope_fraction), ((int64_t)8 << p->slope_fraction) - 1, "slope");
        column(p, &next, least, most, "bias");
        column(p, &next, 0, (int64_t)1 << p->a_fraction, "a");
        column(p, &next, -((int64_t)1 << (p->b_bits - 1)), ((int64_t)1 << (p->b_bits - 1)) - 1, "b");
        column(p, &next, least, most, "c");
        column(p, &next, low(p->u), high(p->u), "d");
        column(p, &next, least, most, "peak");
        for (int64_t s = 0; s < p->sets.shape[0]; s++) need(get(&p->sets, 8 * s + 5) < get(&p->sets, 8 * s + 7), "c is not below the peak");
        return;
    }
    column(p, &next, 0, (int64_t)1 << p->leak_fraction, "leak");
    column(p, &next, least, most, "rest");
    column(p, &next, least, most, "threshold");
    column(p, &next, p->subtract ? 1 : least, most, "reset");
    column(p, &next, 0, 255, "refractory");
    column(p, &next, least, most, "bias");
    for (int64_t s = 0; s < p->sets.shape[0]; s++)
        need(p->subtract || get(&p->sets, p->columns * s + 3) < get(&p->sets, p->columns * s + 2), "reset is not below the threshold");
    for (int k = 0; k < p->currents; k++) {
        column(p, &next, 0, (int64_t)1 << p->decay_fraction, "decay of a current");
        column(p, &next, 0, coupling, "coupling of a current");
    }
    if (p->has_theta) {
        column(p, &next, low(p->theta), high(p->theta), "jump of theta");
        column(p, &next, 0, (int64_t)1 << p->theta_fraction, "decay of theta");
    }
    if (p->has_w) {
        column(p, &next, low(p->w), high(p->w), "jump of w");
        column(p, &next, 0, (int64_t)1 << p->w_fraction, "decay of w");
        column(p, &next, 0, coupling, "coupling of w");
        if (p->has_slope) column(p, &next, -coupling, coupling, "slope of w");
    }
}

static void take_state(population *p, int64_t k, const char *name, int64_t least, int64_t most) {
    char *full = malloc(100 + strlen(name));
    sprintf(full, "population%lld.state.%.*s", (long long)k, (int)strcspn(name, "\""), name);
    array *a = &p->state[p->states++];
    *a = take(full, "<i4", 1, p->size, 0);
    for (int64_t i = 0; i < p->size; i++) need(get(a, i) >= least && get(a, i) <= most, "%s lies outside its range", full);
}

static char *numbered(const char *what, int64_t k, const char *part) {
    char *full = malloc(100);
    sprintf(full, "%s%lld.%s", what, (long long)k, part);
    return full;
}

static void read_arrays(population *p, int64_t k) {
    p->sets = take(numbered("population", k, "sets"), "<i8", 2, -1, p->columns);
    need(p->sets.shape[0] >= 1 && p->sets.shape[0] <= 65536, "the number of sets is outside 1..65536");
    check_sets(p);
    p->index = take(numbered("population", k, "index"), "<u2", 1, p->size, 0);
    for (int64_t i = 0; i < p->size; i++) need(get(&p->index, i) < p->sets.shape[0], "an index is no set");
    if (p->kind != BERNOULLI) {
        take_state(p, k, "v", low(p->v), high(p->v));
        if (p->kind == IZHIKEVICH) take_state(p, k, "u", low(p->u), high(p->u));
        else take_state(p, k, "hold", 0, 255);
        take_state(p, k, "overflow", 0, 1);
        if (p->brian2) take_state(p, k, "fired", 0, 1);
        for (int c = 0; c < p->currents; c++) take_state(p, k, p->names[c], low(p->current), high(p->current));
        if (p->has_theta) take_state(p, k, "theta", low(p->theta), high(p->theta));
        if (p->has_w) take_state(p, k, "w", low(p->w), high(p->w));
    }
    if (p->drive.present) {
        p->drive.limits = take(numbered("population", k, "limits"), "<u4", 1, -1, 0);
        ascending_table(&p->drive.limits);
    }
    if (p->noise.present) {
        p->noise.limits = take(numbered("population", k, "noise"), "<u4", 1, -1, 0);
        ascending_table(&p->noise.limits);
    }
}

static void read_input(input *each, int64_t k, int64_t steps) {
    each->steps = take(numbered("input", k, "steps"), "<u4", 1, -1, 0);
    each->channels = take(numbered("input", k, "channels"), "<u4", 1, each->steps.count, 0);
    for (int64_t i = 0; i < each->steps.count; i++) {
        int64_t t = get(&each->steps, i), channel = get(&each->channels, i);
        need(t < steps, "an event of an input is not within the steps");
        need(channel < each->size, "an event of an input is of no channel");
        need(!i || t > get(&each->steps, i - 1) || (t == get(&each->steps, i - 1) && channel > get(&each->channels, i - 1)),
             "events of an input do not ascend");
    }
}

static void read_made(projection *p, json *made, format f) {
    keys(made, "delay in_degree lanes seed weight");
    p->in_degree = integer(made, "in_degree", 1, p->sources);
    need(p->sources % p->in_degree == 0, "in_degree does not divide the sources");
    int64_t b = p->sources / p->in_degree;
    need(b >= 2 && b <= 64, "the sources are not 2 to 64 times in_degree");
    p->lanes = integer(made, "lanes", p->recurrent ? b : 1, 64);
    p->delay = integer(made, "delay", 1, 255);
    p->weight = integer(made, "weight", low(f), high(f));
    json *seed = find(made, "seed");
    need(seed->kind == 'i' && seed->number >= 0 && seed->number < (wide)1 << 64, "seed lies outside 0..2^64 - 1");
    p->seed = (uint64_t)seed->number;
}

static void read_list(projection *p, int64_t k, int64_t targets, format f) {
    p->indptr = take(numbered("projection", k, "indptr"), "<u4", 1, p->sources + 1, 0);
    p->indices = take(numbered("projection", k, "indices"), "<u4", 1, -1, 0);
    p->weights = take(numbered("projection", k, "weights"), "<i4", 1, p->indices.count, 0);
    p->delays = take(numbered("projection", k, "delays"), "|u1", 1, p->indices.count, 0);
    rows_ascend(&p->indptr, p->indices.count);
    for (int64_t s = 0; s < p->sources; s++)
        for (int64_t i = get(&p->indptr, s); i < get(&p->indptr, s + 1); i++) {
            int64_t delay = get(&p->delays, i), to = get(&p->indices, i), weight = get(&p->weights, i);
            need(to < targets, "a target is not below the size");
            need(weight >= low(f) && weight <= high(f), "a weight is outside the format of the port");
            need(delay >= 1, "a delay of 0");
            if (i == get(&p->indptr, s)) continue;
            int64_t a = delay - get(&p->delays, i - 1), b = to - get(&p->indices, i - 1), c = weight - get(&p->weights, i - 1);
            need(a > 0 || (a == 0 && (b > 0 || (b == 0 && c >= 0))), "a row does not ascend by delay, target and weight");
        }
}

static void read_projection(network *n, projection *p, json *each, int64_t k, json *populations, json *inputs) {
    json *source = find(each, "source"), *target = find(each, "target"), *made = find(each, "generated");
    keys(each, made ? "generated port source target" : "port source target");
    need(source->kind == 's' && target->kind == 's', "source or target is no text");
    p->source = p->target = -1;
    for (int64_t i = 0; i < n->population_count; i++) {
        if (equal(source->text, find(&populations->items[i], "name")->text)) p->source = i;
        if (equal(target->text, find(&populations->items[i], "name")->text)) p->target = i;
    }
    for (int64_t i = 0; i < n->input_count; i++)
        if (equal(source->text, find(&inputs->items[i], "name")->text)) p->source = n->population_count + i;
    need(p->source >= 0 && p->target >= 0, "a projection from nowhere, or to what is no population");
    const population *to = &n->populations[p->target];
    int within = p->source < n->population_count;
    p->sources = within ? n->populations[p->source].size : n->inputs[p->source - n->population_count].size;
    p->source_first = within ? n->populations[p->source].first : n->inputs[p->source - n->population_count].first;
    p->port = port_of(to, each);
    p->recurrent = p->source == p->target;
    p->generated = made != NULL;
    if (made) read_made(p, made, port_format(to, p->port));
    else read_list(p, k, to->size, port_format(to, p->port));
}

static void sums_stay(const network *n) {
    for (int64_t k = 0; k < n->population_count; k++)
        for (int port = 0; port < n->populations[k].ports; port++) {
            const population *p = &n->populations[k];
            wide *sums = calloc(p->size, sizeof *sums);
            if (p->drive.present && p->drive.port == port)
                for (int64_t i = 0; i < p->size; i++) sums[i] = (wide)llabs(p->drive.weight) * (p->drive.offset + p->drive.limits.count);
            for (int64_t j = 0; j < n->projection_count; j++) {
                const projection *from = &n->projections[j];
                if (from->target != k || from->port != port) continue;
                if (from->generated)
                    for (int64_t i = 0; i < p->size; i++) sums[i] += (wide)llabs(from->weight) * from->in_degree;
                else
                    for (int64_t i = 0; i < from->indices.count; i++) sums[get(&from->indices, i)] += llabs(get(&from->weights, i));
            }
            for (int64_t i = 0; i < p->size; i++) need(sums[i] < (int64_t)1 << 31, "the sum of a port could be 2^31");
            free(sums);
        }
}

static json *list_of(json *header, const char *key) {
    json *found = find(header, key);
    need(found->kind == 'a', "%s is no list", key);
    return found;
}

void read_points(network *n, json *header) {
    int64_t sources = 0;
    int least = 32;
    keys(header, "arrays dt_ns inputs lfsr name populations projections source steps");
    json *populations = list_of(header, "populations"), *inputs = list_of(header, "inputs"), *projections = list_of(header, "projections");
    need(populations->size >= 1, "there is no population");
    n->population_count = populations->size;
    n->input_count = inputs->size;
    n->projection_count = projections->size;
    n->populations = calloc(populations->size, sizeof *n->populations);
    n->inputs = calloc(inputs->size + 1, sizeof *n->inputs);
    n->projections = calloc(projections->size + 1, sizeof *n->projections);
    for (int k = 0; k < populations->size + inputs->size; k++) {
        json *each = k < populations->size ? &populations->items[k] : &inputs->items[k - populations->size];
        keys(each, k >= populations->size ? "name size" : find(each, "noise") ? "drive name neuron noise size" : "drive name neuron size");
        char *name = name_of(each);
        for (int i = 0; i < k; i++)
            need(!equal(name, find(i < populations->size ? &populations->items[i] : &inputs->items[i - populations->size], "name")->text),
                 "two populations or inputs have one name");
        int64_t size = integer(each, "size", 1, (int64_t)1 << 32);
        if (k < populations->size) {
            population *p = &n->populations[k];
            *p = (population){.size = size, .first = sources};
            read_structure(p, each);
            if (p->rounding == STOCHASTIC && 32 + p->leak_fraction > least) least = 32 + p->leak_fraction;
            if (p->noise.present) least = 64;
            n->n += size;
        } else {
            n->inputs[k - populations->size] = (input){.name = name, .size = size, .first = sources};
        }
        sources += size;
    }
    read_register(n, header, least);
    for (int64_t k = 0; k < n->population_count; k++) read_arrays(&n->populations[k], k);
    for (int64_t k = 0; k < n->input_count; k++) read_input(&n->inputs[k], k, n->steps);
    for (int64_t k = 0; k < n->projection_count; k++) read_projection(n, &n->projections[k], &projections->items[k], k, populations, inputs);
    n->seeds = take("seeds", "<u8", 1, n->n, 0);
    for (int64_t k = 0; k < n->population_count; k++) {
        const population *p = &n->populations[k];
        int draws = p->drive.present || p->noise.present || p->rounding == STOCHASTIC || p->kind == BERNOULLI;
        for (int64_t i = p->first; i < p->first + p->size; i++) {
            uint64_t seed = (uint64_t)get(&n->seeds, i);
            need((seed != 0) == draws, draws ? "a seed of 0 where a number is drawn" : "a seed where none is drawn");
            need(n->width == 64 || seed >> n->width == 0, "a seed of more bits than the register");
        }
    }
    sums_stay(n);
}
