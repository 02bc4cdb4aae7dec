// Replays a table of inputs, each `cycles` rows from the initial state, and writes what of the source that has covered: one file for each.
// (Verilator's outputs are read before the clock edge.)
#include "Vmutated.h"
#include "verilated.h"
#include "verilated_cov.h"
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

// Returns the first row whose outputs are not as expected under the mask, or -1.
extern "C" int64_t coverage_run(const uint32_t* in, const uint32_t* expected, const uint32_t* care, uint64_t rows, uint64_t cycles,
                                const char* folder) {
    const size_t wide_i = sizeof(Vmutated::i) / 4, wide_o = sizeof(Vmutated::o) / 4;
    for (uint64_t first = 0; first < rows; first += cycles) {
        VerilatedContext context;
        auto model = std::make_unique<Vmutated>(&context);
        for (uint64_t row = first; row < rows && row < first + cycles; ++row) {
            std::memcpy(&model->i, in + row * wide_i, sizeof(model->i));
            model->clk = 0;
            model->eval();
            const uint32_t* found = reinterpret_cast<const uint32_t*>(&model->o);
            for (size_t w = 0; w < wide_o; ++w)
                if ((found[w] ^ expected[row * wide_o + w]) & care[row * wide_o + w]) return int64_t(row);
            model->clk = 1;
            model->eval();
        }
        model->clk = 0;
        model->eval();
        context.coveragep()->write((std::string(folder) + "/" + std::to_string(first) + ".dat").c_str());
    }
    return -1;
}
