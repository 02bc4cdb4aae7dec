// The Verilated host link on its pins: a UART of its own at the other end of the line, a stand-in for the core where the top has none,
// and a pseudo-terminal. (Load words and sweep words are the raw bytes of the ports, as numpy lays them out.)
#include "Vhost_link.h"
#include "Vhost_link___024root.h"
#include "clock.h"
#if COVERED
#include "verilated_cov.h"
#endif
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

void Vhost_link___024root___eval(Vhost_link___024root*);

// What is to happen on the line: kind in the upper half, number in the lower.
enum Symbol : uint32_t { BYTE, BAD_STOP, IDLE, LOW_BITS, LOW_CYCLES };
// Longer than anything that the board does without a sign on the line.
constexpr uint64_t QUIET = 1000;
constexpr uint8_t RUN = 7;

// Plays sweeps that it was given: a word every few cycles, then some cycles more.
struct Core {
    std::vector<uint8_t> sweeps, log;
    std::vector<uint64_t> ends;  // cycles worked at the end of each step
    size_t words = 0, steps = 0, step = 0, word = 0, load_size = 0;
    uint64_t left = 0, worked = 0;
    int pause = 0, tail = 0;
    bool held = false;  // no step ends
    int hesitation = 0, rest = 0;  // cycles between a load word and the readiness for the next
    bool taken = false, running = false, is_run = false, draining = false;
    int wait = 0;
    template <class Top> void inputs(Top* top) {
        top->o___05Fready = !running && !(taken && is_run) && !rest;
        top->busy = running || taken;
        top->i___05Fvalid = running && !draining && wait == 0;
        const size_t size = sizeof(top->i___05Fpayload);
        if (top->i___05Fvalid) std::memcpy(&top->i___05Fpayload, &sweeps[((step % steps) * words + word) * size], size);
    }
    template <class Top> void edge(Top* top) {
        const bool load = top->o___05Fvalid && top->o___05Fready, sweep = top->i___05Fvalid && top->i___05Fready;
        if (running) {
            if (!top->i___05Fvalid || sweep) ++worked;
            if (sweep) {
                wait = pause;
                if (++word == words) { draining = true; wait = tail; }
            } else if (wait) {
                --wait;
            } else if (draining && !held) {
                running = draining = false;
                ++step;
                ends.push_back(worked);
            }
        }
        if (taken && is_run && left) { running = true; word = 0; wait = pause; }
        taken = load;
        if (rest) --rest;
        if (load) {
            rest = hesitation;
            const uint8_t* payload = reinterpret_cast<const uint8_t*>(&top->o___05Fpayload);
            log.insert(log.end(), payload, payload + load_size);
            is_run = payload[load_size - 1] == RUN;
            std::memcpy(&left, payload, 8);
        }
    }
};

struct Link : Clock<Vhost_link, Vhost_link___024root, Vhost_link___024root___eval> {
    const int divisor;
    Core core;
    uint64_t cycles = 0;
    // The sender: levels of the bits under way, lowest first.
    std::deque<uint32_t> symbols;
    uint32_t bits = 0;
    int count = 0, phase = 0, low = 0, idle = 0;
    // The receiver.
    std::vector<uint8_t> received;
    int sample = -1, at = 0;
    uint32_t shift = 0;
    uint64_t quiet = 0, bad = 0;
    bool active = true;
    explicit Link(int divisor) : divisor(divisor) {
        model->rx = 1;
        start();
    }
    bool level() {
        if (low) { --low; return false; }
        if (idle) { --idle; return true; }
        if (!count && !symbols.empty()) {
            const uint32_t symbol = symbols.front(), number = symbol & 0xFFFF;
            symbols.pop_front();
            switch (symbol >> 16) {
                case BYTE: bits = number << 1 | 1u << 9; count = 10; break;
                case BAD_STOP: bits = number << 1 | 1u << 10; count = 11; break;
                case IDLE: idle = int(number) * divisor; return level();
                case LOW_BITS: low = int(number) * divisor; idle = divisor; return level();
                case LOW_CYCLES: low = int(number); idle = divisor; return level();
            }
        }
        if (!count) return true;
        const bool now = bits & 1;
        if (++phase == divisor) { phase = 0; bits >>= 1; --count; }
        return now;
    }
    bool sending() const { return count || low || idle || !symbols.empty(); }
    void listen(bool line) {
        quiet = line && !sending() ? quiet + 1 : 0;
        if (sample < 0) {
            if (!line) { sample = divisor / 2; at = 0; shift = 0; }
        } else if (--sample < 0) {
            shift |= uint32_t(line) << at;
            if (++at < 10) { sample = divisor - 1; return; }
            if (line && !(shift & 1)) received.push_back(uint8_t(shift >> 1)); else ++bad;
        }
    }
    template <class Top> void stand_in(Top* top) {
        if constexpr (requires { top->o___05Fvalid; }) {
            // While nothing passes between link and core, only the line changes, and that goes into a register.
            const bool busy = core.running || core.taken || core.rest || top->running || top->o___05Fvalid;
            if (busy || active) {
                core.inputs(top);
                eval();
                core.edge(top);
            }
            active = busy;
        }
    }
    void tick() {
        model->rx = level();
        stand_in(model.get());
        cycle();
        ++cycles;
        listen(model->tx);
    }
    bool resting() const { return !sending() && quiet > QUIET; }
};

// Without a place, how many bytes there are.
template <class Item> static uint64_t take(std::vector<Item>& from, void* to) {
    const uint64_t size = from.size() * sizeof(Item);
    if (to) { std::memcpy(to, from.data(), size); from.clear(); }
    return size;
}

extern "C" {

Link* link_new(int divisor) { return new Link(divisor); }
void link_delete(Link* d) { delete d; }
uint64_t link_cycles(Link* d) { return d->cycles; }
uint64_t link_bad(Link* d) { return d->bad; }

// The core's part: sweeps of `steps` steps that it repeats, cycles between words and after the last, bytes of a load word.
void link_core(Link* d, const uint8_t* sweeps, uint64_t steps, uint64_t words, uint64_t sweep_size, int pause, int tail, uint64_t load_size) {
    d->core.sweeps.assign(sweeps, sweeps + steps * words * sweep_size);
    d->core.steps = steps; d->core.words = words; d->core.pause = pause; d->core.tail = tail; d->core.load_size = load_size;
}
void link_hold(Link* d, int held) { d->core.held = held; }
void link_hesitate(Link* d, int cycles) { d->core.hesitation = cycles; }

// Sends symbols, then waits until the line was quiet for a while, and, if asked, no run is under way. Returns -1 past max_cycles.
int64_t link_exchange(Link* d, const uint32_t* symbols, uint64_t count, int finish, uint64_t max_cycles) {
    d->symbols.insert(d->symbols.end(), symbols, symbols + count);
    d->quiet = 0;
    for (uint64_t cycle = 0; !d->resting() || (finish && d->model->running); ++cycle) {
        if (cycle == max_cycles) return -1;
        d->tick();
    }
    return int64_t(d->received.size());
}

// Received, load words that reached the core, and ends of steps, since last taken.
uint64_t link_received(Link* d, void* to) { return take(d->received, to); }
uint64_t link_loaded(Link* d, void* to) { return take(d->core.log, to); }
uint64_t link_ends(Link* d, void* to) { return take(d->core.ends, to); }

// Moves bytes between a file descriptor and the pins until *stop; time stands still while nothing happens.
void link_serve(Link* d, int fd, volatile int* stop) {
    uint8_t buffer[4096];
    size_t sent = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (!*stop) {
        if (d->symbols.size() < sizeof buffer) {
            const ssize_t got = read(fd, buffer, sizeof buffer);
            for (ssize_t k = 0; k < got; ++k) d->symbols.push_back(buffer[k]);
        }
        while (sent < d->received.size()) {
            const ssize_t put = write(fd, &d->received[sent], d->received.size() - sent);
            if (put <= 0) break;
            sent += size_t(put);
        }
        if (sent == d->received.size()) { d->received.clear(); sent = 0; }
        // Nothing to do, or a reader too slow: the line has no flow control, so the board's time waits instead.
        const bool full = d->received.size() - sent > 65536;
        if (full || (d->resting() && !d->model->running)) {
            pollfd wait{fd, short(full ? POLLOUT : sent < d->received.size() ? POLLIN | POLLOUT : POLLIN), 0};
            poll(&wait, 1, 20);
            if (full || d->symbols.empty()) { if (!(wait.revents & POLLIN)) continue; }
            if (full) continue;
        }
        for (int k = 0; k < 2000; ++k) d->tick();
    }
}

#if COVERED
void link_cover(Link* d, const char* path) { d->context.coveragep()->write(path); }
#endif
}
