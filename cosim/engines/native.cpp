// Native driver of the Verilated core: loads a network, runs steps, records; called in batches through ctypes.
// Load words and sweep words are the raw bytes of the ports, as numpy lays them out.
#include "Vcore.h"
#include "Vcore___024root.h"
#include "clock.h"
#include <cstdint>
#include <cstring>
#include <deque>
#include <utility>

void Vcore___024root___eval(Vcore___024root*);

// Recorded events for a core that takes some: each waits at the port until it is taken, the last, of a step that never comes, for ever.
struct Events {
    const uint64_t* next = nullptr;
    template <class Top> void show(Top* top) const {
        if constexpr (requires { top->events___05Fvalid; }) {
            top->events___05Fvalid = next != nullptr;
            if (next) top->events___05Fpayload = *next;
        }
    }
    // Before a cycle: whether it takes the event that is shown.
    template <class Top> bool taken(Top* top) const {
        if constexpr (requires { top->events___05Fvalid; }) return top->events___05Fvalid && top->events___05Fready;
        return false;
    }
};

// Memory of rows outside of the core, if it has one: it answers in order, each request at most so many cycles late, and now and then takes none.
struct Memory {
    const uint8_t* words = nullptr;
    uint64_t most = 0, now = 0, state = 1;
    std::deque<std::pair<uint64_t, uint64_t>> asked;  // address, and cycle of the answer
    uint64_t random(uint64_t below) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        return state % below;
    }
    // Before a cycle: what the core asks for, and whether it takes the answer that is shown.
    template <class Top> void look(Top* top) {
        if constexpr (requires { top->request___05Fvalid; }) {
            if (top->response___05Fvalid && top->response___05Fready) asked.pop_front();
            if (top->request___05Fvalid && top->request___05Fready) asked.emplace_back(top->request___05Fpayload, now + 1 + random(most + 1));
        }
    }
    // After it: the ports for the next one.
    template <class Top> void show(Top* top) {
        if constexpr (requires { top->request___05Fvalid; }) {
            ++now;
            top->request___05Fready = !most || random(4) != 0;
            top->response___05Fvalid = !asked.empty() && asked.front().second <= now;
            if (top->response___05Fvalid)
                std::memcpy(&top->response___05Fpayload, words + asked.front().first * sizeof(top->response___05Fpayload),
                            sizeof(top->response___05Fpayload));
        }
    }
};

struct Driver : Clock<Vcore, Vcore___024root, Vcore___024root___eval> {
    Events events;
    Memory memory;
    explicit Driver(int seed) : Clock(seed) {
        model->o___05Fready = 1;
        model->i___05Fvalid = 0;
        events.show(model.get());
        start();
    }
    // A cycle in which events may be taken.
    void feed() {
        const bool taken = events.taken(model.get());
        memory.look(model.get());
        cycle();
        memory.show(model.get());
        if (taken && (uint32_t(*events.next) != UINT32_MAX)) { ++events.next; events.show(model.get()); }
    }
};

// Bytes of a word of the memory outside; 0 without one.
template <class Top> uint64_t memory_size(Top* top) {
    if constexpr (requires { top->request___05Fvalid; }) return sizeof(top->response___05Fpayload);
    return 0;
}

extern "C" {

Driver* driver_new(int seed) { return new Driver(seed); }
void driver_delete(Driver* d) { delete d; }
uint64_t driver_cycles(Driver* d) { return d->model->cycles; }

// Bytes of a load word and of a sweep word.
uint64_t driver_load_size() { return sizeof(Vcore::i___05Fpayload); }
uint64_t driver_sweep_size() { return sizeof(Vcore::o___05Fpayload); }

// Returns how many words were taken: fewer than count if one had to wait for longer than anything that works.
uint64_t driver_load(Driver* d, const uint8_t* words, uint64_t count) {
    Vcore* c = d->model.get();
    c->i___05Fvalid = 1;
    for (uint64_t k = 0; k < count; ++k, words += sizeof(c->i___05Fpayload)) {
        std::memcpy(&c->i___05Fpayload, words, sizeof(c->i___05Fpayload));
        for (int wait = 0; !c->i___05Fready; ++wait, d->feed())
            if (wait == 1000) return k;
        d->feed();
    }
    c->i___05Fvalid = 0;
    return count;
}

// Events for the runs to come, (step, source) in 32 bits each; the last of step 2^32 - 1. Null: none are shown, so that a network can be loaded.
void driver_events(Driver* d, const uint64_t* events) {
    d->events.next = events;
    d->events.show(d->model.get());
}

uint64_t driver_memory_size(Driver* d) { return memory_size(d->model.get()); }

// The words of that memory, how late an answer may be, and what chance depends on, not 0.
void driver_memory(Driver* d, const uint8_t* words, uint64_t most, uint64_t seed) {
    d->memory.words = words;
    d->memory.most = most;
    d->memory.state = seed;
}

// Runs one RUN word to its end. Each sweep word goes to last + (its number modulo words), and to trace when given;
// each spike to spikes as (step, neuron). Returns the number of spikes, or -1 past max_cycles, or past the sweep words of the steps.
int64_t driver_run(Driver* d, const uint8_t* run_word, uint64_t words, uint64_t lanes, uint64_t mask_at, int32_t first_step, int32_t steps,
                   uint8_t* last, uint8_t* trace, int32_t* spikes, uint64_t max_cycles) {
    Vcore* c = d->model.get();
    const size_t size = sizeof(c->o___05Fpayload);
    const uint64_t mask_words = (lanes + 63) / 64;
    int64_t found = 0;
    uint64_t word = 0;
    int32_t step = first_step;
    if (!driver_load(d, run_word, 1)) return -1;
    for (uint64_t cycle = 0; c->busy; ++cycle) {
        if (cycle == max_cycles) return -1;
        if (c->o___05Fvalid) {
            if (step == first_step + steps) return -1;
            const uint8_t* payload = reinterpret_cast<const uint8_t*>(&c->o___05Fpayload);
            if (trace) { std::memcpy(trace, payload, size); trace += size; }
            std::memcpy(last + word * size, payload, size);
            for (uint64_t k = 0; k < mask_words; ++k) {
                uint64_t mask;
                std::memcpy(&mask, payload + mask_at + 8 * k, 8);
                if (lanes - 64 * k < 64) mask &= (1ull << (lanes - 64 * k)) - 1;
                for (; mask; mask &= mask - 1) {
                    spikes[2 * found] = step;
                    spikes[2 * found + 1] = int32_t(word * lanes + 64 * k + __builtin_ctzll(mask));
                    ++found;
                }
            }
            if (++word == words) { word = 0; ++step; }
        }
        d->feed();
    }
    return found;
}

// The same run with nothing looked at but busy, for so many cycles at most: the rate of the bare model.
uint64_t driver_bare(Driver* d, const uint8_t* run_word, uint64_t most) {
    uint64_t cycle = 0;
    for (driver_load(d, run_word, 1); d->model->busy && cycle < most; ++cycle) d->feed();
    return cycle;
}

#if VM_TRACE
void driver_wave_open(Driver* d, const char* path) {
    d->wave.reset(new VerilatedVcdC);
    d->model->trace(d->wave.get(), 99);
    d->wave->open(path);
}
void driver_wave_close(Driver* d) { d->wave->close(); d->wave.reset(); }
#endif
}
