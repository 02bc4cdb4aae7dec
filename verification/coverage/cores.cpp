// Sends load words to a whole core, with pauses, and takes its sweep words, with stalls; writes what of the source that has covered.
// Words are the raw bytes of the ports, as numpy lays them out. (Verilator spells a double underscore ___05F.)
#include "Vcore.h"
#include "verilated.h"
#include "verilated_cov.h"
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>

extern "C" {

uint64_t cover_load_size() { return sizeof(Vcore::i___05Fpayload); }
uint64_t cover_sweep_size() { return sizeof(Vcore::o___05Fpayload); }

// Ends when all words are taken and the core rests, or `room` sweep words have come. Streams pause in so many of 256 cycles.
// Returns how many sweep words there were, or -1 past max_cycles.
int64_t cover_run(const uint8_t* words, uint64_t count, uint32_t seed, uint32_t pause, uint32_t stall, uint8_t* sweeps, uint64_t room,
                  uint64_t max_cycles, const char* path, uint64_t* cycles) {
    VerilatedContext context;
    auto c = std::make_unique<Vcore>(&context);
    std::mt19937 random(seed);
    const size_t load = sizeof(c->i___05Fpayload), sweep = sizeof(c->o___05Fpayload);
    uint64_t sent = 0, found = 0;
    bool offered = false;
    for (uint64_t cycle = 0;; ++cycle) {
        if (cycle == max_cycles) return -1;
        if (!offered) offered = sent < count && random() % 256 >= pause;
        c->i___05Fvalid = offered;
        if (offered) std::memcpy(&c->i___05Fpayload, words + sent * load, load);
        c->o___05Fready = random() % 256 >= stall;
        c->clk = 0;
        c->eval();
        if ((sent == count && !c->busy) || found == room) break;
        if (c->o___05Fvalid && c->o___05Fready) std::memcpy(sweeps + found++ * sweep, &c->o___05Fpayload, sweep);
        if (offered && c->i___05Fready) { ++sent; offered = false; }
        c->clk = 1;
        c->eval();
    }
    *cycles = c->cycles;
    context.coveragep()->write(path);
    return int64_t(found);
}
}
