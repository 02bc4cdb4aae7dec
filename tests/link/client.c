// A client of the host link in C, written from docs/host_link.md alone: loads a network, runs it, and prints spikes and the final state.
// client PORT NETWORK; a network is numbers in text: N delay steps threshold reset rest leak refractory drive_weight depth, the limits, and for
// each neuron its weight, v, seed, number of targets, and targets.
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { FLAG = 0x7E, ESCAPE = 0x7D, FLIP = 0x20, MAX_PAYLOAD = 247, TRIES = 5, PATIENCE_MS = 1000 };
enum { IDENTIFY = 1, LOAD = 4, RUN = 5, OK = 0x80, SEQUENCE = 0x81, IDENTITY = 0x89, DONE = 0x8B, DATA = 0x8C, MARKS = 0x30, EVENTS = 1, FINAL = 2 };
enum { CLEAR, ROW, WEIGHT, TABLE, SEED, STATE, PARAM };

typedef struct { int type, seq, size; uint8_t payload[256]; } Frame;

static int port;
static uint8_t expected;

static void fail(const char* what) { fprintf(stderr, "client: %s\n", what); exit(1); }

static uint16_t crc(const uint8_t* data, int size) {
    uint16_t value = 0xFFFF;
    for (int k = 0; k < size; ++k) {
        value ^= data[k];
        for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x8408 : value >> 1;
    }
    return value ^ 0xFFFF;
}

static void send_frame(int type, int seq, const uint8_t* payload, int size) {
    uint8_t plain[260], line[600];
    int n = 0, at = 0;
    plain[n++] = (uint8_t)size; plain[n++] = (uint8_t)type; plain[n++] = (uint8_t)seq;
    if (size) memcpy(plain + n, payload, size);
    n += size;
    const uint16_t check = crc(plain, n);
    plain[n++] = check & 0xFF; plain[n++] = check >> 8;
    line[at++] = FLAG;
    for (int k = 0; k < n; ++k) {
        const int special = plain[k] == FLAG || plain[k] == ESCAPE;
        if (special) line[at++] = ESCAPE;
        line[at++] = special ? plain[k] ^ FLIP : plain[k];
    }
    line[at++] = FLAG;
    for (int sent = 0; sent < at;) {
        const ssize_t put = write(port, line + sent, at - sent);
        if (put < 0) fail("cannot write");
        sent += (int)put;
    }
}

// The next good frame, or 0 when the board was silent for too long.
static int receive_frame(Frame* frame) {
    static uint8_t got[260];
    static int n, escaped;
    for (;;) {
        struct pollfd wait = {port, POLLIN, 0};
        uint8_t byte;
        if (poll(&wait, 1, PATIENCE_MS) <= 0) return 0;
        if (read(port, &byte, 1) != 1) fail("cannot read");
        if (byte != FLAG) {
            if (byte == ESCAPE && !escaped) { escaped = 1; continue; }
            if (n < (int)sizeof got) got[n++] = escaped ? byte ^ FLIP : byte;
            escaped = 0;
            continue;
        }
        const int size = n, broken = escaped;
        n = escaped = 0;
        if (broken || size < 5 || got[0] > MAX_PAYLOAD || size != got[0] + 5) continue;
        if (crc(got, size - 2) != (got[size - 2] | got[size - 1] << 8)) continue;
        frame->size = got[0]; frame->type = got[1] & ~MARKS; frame->seq = got[2];
        memcpy(frame->payload, got + 3, frame->size);
        return 1;
    }
}

// A request, again until it is answered.
static void request(int type, const uint8_t* payload, int size, int wanted, Frame* answer) {
    for (int attempt = 0; attempt < TRIES; ++attempt) {
        send_frame(type, expected, payload, size);
        if (!receive_frame(answer)) continue;
        const int before = answer->type == SEQUENCE && answer->seq == (uint8_t)(expected + 1);  // executed, and its answer was lost
        if (answer->type != wanted && !before) fail("refused");
        expected = (uint8_t)answer->seq;
        return;
    }
    fail("no answer");
}

// Words of one op at consecutive places, an item of `bytes` each.
static uint8_t pending[MAX_PAYLOAD];
static int filled;

static void flush(void) {
    Frame answer;
    if (filled) request(LOAD, pending, filled, OK, &answer);
    filled = 0;
}

static void begin(int op, unsigned lane, unsigned address) {
    flush();
    const uint8_t header[6] = {(uint8_t)op, lane >> 8, lane & 0xFF, address >> 16 & 0xFF, address >> 8 & 0xFF, address & 0xFF};
    memcpy(pending, header, 6);
    filled = 6;
}

static void load(int op, unsigned lane, unsigned address, const uint8_t* item, int bytes) {
    // The page's rule says where an item without a header goes; a frame that is full needs a new one.
    if (!filled || pending[0] != op || filled + bytes > MAX_PAYLOAD) begin(op, lane, address);
    memcpy(pending + filled, item, bytes);
    filled += bytes;
}

static void load_number(int op, unsigned lane, unsigned address, uint64_t value) {
    uint8_t item[8];
    for (int k = 0; k < 8; ++k) item[k] = (uint8_t)(value >> 8 * (7 - k));
    load(op, lane, address, item, 8);
}

static long long number(FILE* file) {
    long long value;
    if (fscanf(file, "%lld", &value) != 1) fail("a number is missing in the network");
    return value;
}

int main(int argc, char** argv) {
    FILE* file = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (!file) fail("usage: client PORT NETWORK");
    port = open(argv[1], O_RDWR | O_NOCTTY);
    struct termios settings;
    if (port < 0 || tcgetattr(port, &settings)) fail("no port");
    cfmakeraw(&settings);
    cfsetspeed(&settings, B2000000);
    tcsetattr(port, TCSANOW, &settings);

    Frame frame;
    request(IDENTIFY, NULL, 0, IDENTITY, &frame);
    const uint8_t* id = frame.payload;
    if (frame.size != 24 || id[0] != 2 + 2 * id[19]) fail("another version");
    const int board_n = id[1] << 8 | id[2], lanes = id[3] << 8 | id[4], width = id[5], board_depth = id[9], max_delay = id[10];
    const int leak_fraction = id[11], store = id[12], walk = id[13];
    if (memcmp(id + 15, "\xCA\x17\x99\x7D", 4)) fail("another generator");

    enum { COUNT = 10 };
    long long head[COUNT];
    for (int k = 0; k < COUNT; ++k) head[k] = number(file);
    const int n = (int)head[0], delay = (int)head[1], steps = (int)head[2], depth = (int)head[9];
    const long long threshold = head[3], reset = head[4], rest = head[5], leak = head[6], refractory = head[7], drive_weight = head[8];
    if (n > board_n || delay < 1 + id[19] || delay > max_delay || depth != board_depth || steps > 65535 || leak > 1LL << leak_fraction)
        fail("not a network for this board");
    uint32_t* limits = calloc((size_t)1 << depth, sizeof *limits);
    for (int k = 0; k + 1 < 1 << depth; ++k) limits[k] = (uint32_t)number(file);
    const int words = (board_n + lanes - 1) / lanes, places = words * lanes;
    const int word_bits = store ? store : lanes, stride = store ? (board_n + width + store - 1) / store : words;
    int bytes = 1;
    while (8 * bytes < word_bits) bytes *= 2;
    long long *weight = calloc(places, sizeof *weight), *v = calloc(places, sizeof *v), *seed = calloc(places, sizeof *seed);
    uint8_t* rows = calloc((size_t)board_n * stride * word_bits, 1);  // a bit each
    for (int i = 0; i < places; ++i) v[i] = rest;
    for (int i = 0; i < n; ++i) {
        weight[i] = number(file); v[i] = number(file); seed[i] = number(file);
        for (long long count = number(file); count; --count) rows[(size_t)i * stride * word_bits + number(file)] = 1;
        for (int b = 0; store && b < width; ++b) rows[(size_t)(i + 1) * stride * word_bits - width + b] = weight[i] >> b & 1;
    }

    load_number(CLEAR, 0, 0, 0);
    const long long parameters[] = {leak, threshold, reset, (rest + (1LL << (width - 1))) * leak, refractory, drive_weight, delay};
    for (int k = 0; k < 7; ++k) load_number(PARAM, 0, k, (uint64_t)parameters[k]);
    const int limit_count = 1 << depth, table = walk && limit_count < 4 ? 4 : limit_count;
    for (int address = walk ? 0 : 1; address < table; ++address) {
        uint32_t limit = 0xFFFFFFFF;
        if (walk) {
            if (address < limit_count - 1) limit = limits[address];
        } else {
            int j = 0;
            while (2 << j <= address) ++j;
            limit = limits[((address - (1 << j)) << (depth - j)) + (1 << (depth - j) >> 1) - 1];
        }
        load_number(TABLE, 0, address, limit);
    }
    for (int i = 0; !store && i < n; ++i) load_number(WEIGHT, 0, i, (uint64_t)weight[i]);
    for (int i = 0; i < places; ++i) load_number(SEED, i % lanes, i / lanes, (uint64_t)seed[i]);
    for (int i = 0; i < places; ++i) load_number(STATE, i % lanes, i / lanes, (uint64_t)v[i] & ((1ULL << width) - 1));
    for (int address = 0; address < board_n * stride; ++address) {
        uint8_t item[128] = {0};
        for (int b = 0; b < word_bits; ++b) item[bytes - 1 - b / 8] |= rows[(size_t)address * word_bits + b] << b % 8;
        load(ROW, 0, address, item, bytes);
    }
    flush();

    const uint8_t run[6] = {EVENTS | FINAL, steps >> 8, steps & 0xFF, 0, 0, 0};
    request(RUN, run, 6, OK, &frame);
    uint8_t* data = NULL;
    int size = 0, silent = 0;
    for (;;) {
        if (!receive_frame(&frame)) { if (++silent == 60) fail("no end"); continue; }
        if (frame.type == DONE) break;
        if (frame.type != DATA) continue;
        data = realloc(data, size + frame.size);
        memcpy(data + size, frame.payload, frame.size);
        size += frame.size;
    }
    int at = 0;
    for (int step = 0; step + 1 < steps; ++step) {
        for (int neuron = -1, distance;; ) {
            distance = 0;
            do {
                if (at == size) fail("data are missing");
                distance = distance << 7 | (data[at] & 0x7F);
            } while (data[at++] & 0x80);
            if (!distance) break;
            neuron += distance;
            if (neuron < n) printf("%d %d\n", step, neuron);
        }
    }
    const int record = width <= 16 ? 4 : 8;
    if (at + places * record > size) fail("records are missing");
    for (int i = 0; i < n; ++i) {
        uint64_t value = 0;
        for (int k = 0; k < record; ++k) value = value << 8 | data[at + i * record + k];
        if (value >> (width + 9) & 1) printf("%d %d\n", steps - 1, i);
    }
    for (int i = 0; i < n; ++i) {
        uint64_t value = 0;
        for (int k = 0; k < record; ++k) value = value << 8 | data[at + i * record + k];
        const long long low = (long long)(value & ((1ULL << width) - 1));
        printf("final %lld %d %d\n", low >> (width - 1) ? low - (1LL << width) : low, (int)(value >> width & 0xFF), (int)(value >> (width + 8) & 1));
    }
    return 0;
}
