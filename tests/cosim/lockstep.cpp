// Two modules side by side under random inputs: how often they differed once `warm` cycles had passed, and how many cycles were compared.
#include "Vpair.h"
#include "verilated.h"
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>

extern "C" void lockstep(uint64_t warm, uint64_t cycles, uint64_t seed, uint64_t* result) {
    VerilatedContext context;
    context.randReset(2);
    context.randSeed(int(seed));
    auto pair = std::make_unique<Vpair>(&context);
    std::mt19937_64 random(seed);
    result[0] = result[1] = 0;
    for (uint64_t cycle = 0; cycle < warm + cycles; ++cycle) {
        uint64_t words[sizeof(pair->stimulus) / 8];
        for (uint64_t& word : words) word = random();
        std::memcpy(&pair->stimulus, words, sizeof(words));
        pair->clk = 0;
        pair->eval();
        if (cycle >= warm) { result[0] += pair->differ; ++result[1]; }
        pair->clk = 1;
        pair->eval();
    }
}
