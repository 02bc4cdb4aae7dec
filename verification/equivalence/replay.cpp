// Simulates a graph of AND gates on a table of inputs and expected outputs, 256 mutants at a time, one in each bit of a vector.
#include <cstdint>
#include <cstring>
#include <vector>

typedef uint64_t Vector __attribute__((vector_size(32)));
constexpr int LANES = 256;

static inline Vector splat(bool bit) { return Vector{} - uint64_t(bit); }
static inline bool at(const uint32_t* row, uint32_t bit) { return row[bit / 32] >> bit % 32 & 1; }
static inline bool any(const Vector& v) { return v[0] | v[1] | v[2] | v[3]; }

extern "C" {

struct Graph {
    uint64_t inputs, latches, gates;
    const uint32_t *next, *pairs;  // Literals: 2 n for node n, 1 more for its complement; nodes are 0, inputs, latches, which begin with 0, and gates.
    const uint32_t* places;        // Bit of each input in a row, or in the number of the mutant if it is selected by that.
    const uint8_t* selects;
};

struct Looks {
    uint64_t seen, questions, given;
    const uint32_t *literals, *places, *question;  // An output, its bit in an expected row, and the question that it belongs to.
    const uint32_t* assumed;                       // Literals: from the row on in which one is 0, nothing counts until the next episode.
};

struct Rows {
    const uint32_t *in, *expected, *care;
    uint64_t wide_i, wide_o, rows, cycles;  // Each `cycles` rows begin anew.
};

uint64_t replay_lanes() { return LANES; }

// first[q * LANES + k] becomes the row in which an output of question q differs in mutant numbers[k] of up to 256, or -1.
void replay(const Graph* g, const Looks* look, const Rows* table, const uint16_t* numbers, uint64_t count, int64_t* first) {
    std::vector<Vector> value(1 + g->inputs + g->latches + g->gates), after(g->latches), open(look->questions), differ(look->questions);
    Vector* const v = value.data();
    Vector* const state = v + 1 + g->inputs;
    auto get = [v](uint32_t literal) { return v[literal >> 1] ^ splat(literal & 1); };
    Vector everyone{}, counts{};
    for (uint64_t k = 0; k < count; ++k) everyone[k / 64] |= 1ull << k % 64;
    for (auto& question : open) question = everyone;
    for (uint64_t k = 0; k < LANES * look->questions; ++k) first[k] = -1;
    for (uint64_t k = 0; k < g->inputs; ++k)
        if (g->selects[k])
            for (uint64_t lane = 0; lane < count; ++lane) v[1 + k][lane / 64] |= uint64_t(numbers[lane] >> g->places[k] & 1) << lane % 64;
    const uint32_t *in = table->in, *expected = table->expected, *care = table->care;
    for (uint64_t row = 0; row < table->rows; ++row, in += table->wide_i, expected += table->wide_o, care += table->wide_o) {
        if (row % table->cycles == 0) {
            std::memset(state, 0, g->latches * sizeof(Vector));
            counts = everyone;
        }
        for (uint64_t k = 0; k < g->inputs; ++k)
            if (!g->selects[k]) v[1 + k] = splat(at(in, g->places[k]));
        Vector* gate = state + g->latches;
        for (uint64_t k = 0; k < g->gates; ++k) gate[k] = get(g->pairs[2 * k]) & get(g->pairs[2 * k + 1]);
        for (uint64_t k = 0; k < look->given; ++k) counts &= get(look->assumed[k]);
        for (auto& found : differ) found = Vector{};
        for (uint64_t k = 0; k < look->seen; ++k)
            if (at(care, look->places[k])) differ[look->question[k]] |= get(look->literals[k]) ^ splat(at(expected, look->places[k]));
        bool left = false;
        for (uint64_t q = 0; q < look->questions; ++q) {
            const Vector found = differ[q] & open[q] & counts;
            open[q] &= ~found;
            left |= any(open[q]);
            for (int part = 0; part < LANES / 64; ++part)
                for (uint64_t bits = found[part]; bits; bits &= bits - 1) first[LANES * q + 64 * part + __builtin_ctzll(bits)] = int64_t(row);
        }
        if (!left) return;
        for (uint64_t k = 0; k < g->latches; ++k) after[k] = get(g->next[k]);
        std::memcpy(state, after.data(), g->latches * sizeof(Vector));
    }
}
}
