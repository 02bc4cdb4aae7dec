// Simulates a graph of AND gates on a table of inputs and expected outputs, 256 mutants at a time, one in each bit of a vector.
#include <cstdint>
#include <cstring>
#include <vector>

typedef uint64_t Vector __attribute__((vector_size(32)));
constexpr int LANES = 256;

static inline Vector splat(bool bit) { return Vector{} - uint64_t(bit); }
static inline bool at(const uint32_t* row, uint32_t bit) { return row[bit / 32] >> bit % 32 & 1; }

extern "C" uint64_t graph_lanes() { return LANES; }

// Literals are 2 n for node n and 1 more for its complement; nodes are the constant 0, inputs, latches (which begin with 0) and gates.
// places[k] is the bit of input k in a row, or of the mutant's number if `selects[k]`; output k is compared with bit seen_places[k].
// first[k] becomes the row in which mutant numbers[k] of up to 256 differs under the mask, or -1; each `cycles` rows begin anew.
extern "C" void graph_run(uint64_t inputs, const uint32_t* places, const uint8_t* selects, uint64_t latches, const uint32_t* next, uint64_t gates,
                          const uint32_t* pairs, uint64_t seen, const uint32_t* seen_literals, const uint32_t* seen_places,
                          const uint16_t* numbers, uint64_t count, const uint32_t* in, const uint32_t* expected, const uint32_t* care,
                          uint64_t wide_i, uint64_t wide_o, uint64_t rows, uint64_t cycles, int64_t* first) {
    std::vector<Vector> value(1 + inputs + latches + gates), after(latches);
    Vector* const v = value.data();
    auto get = [v](uint32_t literal) { return v[literal >> 1] ^ splat(literal & 1); };
    Vector alive{};
    for (uint64_t k = 0; k < count; ++k) { alive[k / 64] |= 1ull << k % 64; first[k] = -1; }
    for (uint64_t k = 0; k < inputs; ++k)
        if (selects[k])
            for (uint64_t lane = 0; lane < count; ++lane) v[1 + k][lane / 64] |= uint64_t(numbers[lane] >> places[k] & 1) << lane % 64;
    for (uint64_t row = 0; row < rows; ++row, in += wide_i, expected += wide_o, care += wide_o) {
        if (row % cycles == 0) std::memset(v + 1 + inputs, 0, latches * sizeof(Vector));
        for (uint64_t k = 0; k < inputs; ++k)
            if (!selects[k]) v[1 + k] = splat(at(in, places[k]));
        Vector* gate = v + 1 + inputs + latches;
        for (uint64_t k = 0; k < gates; ++k) gate[k] = get(pairs[2 * k]) & get(pairs[2 * k + 1]);
        Vector differ{};
        for (uint64_t k = 0; k < seen; ++k)
            if (at(care, seen_places[k])) differ |= get(seen_literals[k]) ^ splat(at(expected, seen_places[k]));
        differ &= alive;
        alive &= ~differ;
        for (int part = 0; part < LANES / 64; ++part)
            for (uint64_t bits = differ[part]; bits; bits &= bits - 1) first[64 * part + __builtin_ctzll(bits)] = int64_t(row);
        if (!(alive[0] | alive[1] | alive[2] | alive[3])) return;
        for (uint64_t k = 0; k < latches; ++k) after[k] = get(next[k]);
        std::memcpy(v + 1 + inputs, after.data(), latches * sizeof(Vector));
    }
}
