// Replays a table of inputs, each `cycles` rows from the initial state, and writes what of the source that has covered: one file for each.
#include "Vmutated.h"
#include "verilated.h"
#include "verilated_cov.h"
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

extern "C" void coverage_run(const uint32_t* in, uint64_t rows, uint64_t cycles, const char* folder) {
    for (uint64_t first = 0; first < rows; first += cycles) {
        VerilatedContext context;
        auto model = std::make_unique<Vmutated>(&context);
        for (uint64_t row = first; row < rows && row < first + cycles; ++row) {
            std::memcpy(&model->i, in + row * (sizeof(model->i) / 4), sizeof(model->i));
            model->clk = 0;
            model->eval();
            model->clk = 1;
            model->eval();
        }
        model->clk = 0;
        model->eval();
        context.coveragep()->write((std::string(folder) + "/" + std::to_string(first) + ".dat").c_str());
    }
}
