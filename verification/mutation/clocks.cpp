// Replays a table of inputs and expected outputs on mutants of a module, each from its initial state, up to the first difference.
// All inputs are one port, all outputs another, both of whole 32-bit words. (Verilator's outputs are read before the clock edge.)
#include "Vmutated.h"
#include "verilated.h"
#include <cstdint>
#include <cstring>
#include <memory>

extern "C" {

uint64_t mutation_input_words() { return sizeof(Vmutated::i) / 4; }
uint64_t mutation_output_words() { return sizeof(Vmutated::o) / 4; }

// first[k] becomes the row in which the mutant numbers[k] differs under the mask, or -1; each `cycles` rows begin at the initial state.
void mutation_run(const uint16_t* numbers, uint64_t count, const uint32_t* in, const uint32_t* expected, const uint32_t* care, uint64_t rows,
                  uint64_t cycles, int64_t* first) {
    const size_t wide_i = sizeof(Vmutated::i) / 4, wide_o = sizeof(Vmutated::o) / 4;
    for (uint64_t k = 0; k < count; ++k) {
        std::unique_ptr<VerilatedContext> context;
        std::unique_ptr<Vmutated> fresh;
        first[k] = -1;
        for (uint64_t row = 0; row < rows && first[k] < 0; ++row) {
            if (row % cycles == 0) {
                fresh.reset();
                context.reset(new VerilatedContext);
                fresh.reset(new Vmutated(context.get()));
                fresh->mutant = numbers[k];
            }
            Vmutated& model = *fresh;
            std::memcpy(&model.i, in + row * wide_i, sizeof(model.i));
            model.clk = 0;
            model.eval();
            const uint32_t* found = reinterpret_cast<const uint32_t*>(&model.o);
            const uint32_t *want = expected + row * wide_o, *mask = care + row * wide_o;
            for (size_t w = 0; w < wide_o; ++w)
                if ((found[w] ^ want[w]) & mask[w]) first[k] = int64_t(row);
            model.clk = 1;
            model.eval();
        }
    }
}
}
