// One neuron's update for every input of a range: what goes in at one edge is on the outputs after it.
#include "Vlif.h"
#include "Vlif___024root.h"
#include "clock.h"
#include <cstdint>

void Vlif___024root___eval(Vlif___024root*);
using Neuron = Clock<Vlif, Vlif___024root, Vlif___024root___eval>;

extern "C" {

Neuron* neuron_new(const int64_t* parameters) {
    auto* neuron = new Neuron;
    Vlif* lif = neuron->model.get();
    lif->leak = parameters[0], lif->threshold = parameters[1], lif->v_reset = parameters[2], lif->rest_leak = parameters[3], lif->refractory = parameters[4];
    neuron->start();
    return neuron;
}
void neuron_delete(Neuron* neuron) { delete neuron; }

// `count` steps; from one to the next, the state and the input of 20 bits move on by their steps.
void neuron_sweep(Neuron* neuron, uint32_t state, uint32_t state_step, int32_t current, int32_t current_step, uint64_t count, uint32_t* states,
                  uint8_t* spikes) {
    Vlif* lif = neuron->model.get();
    for (uint64_t k = 0; k < count; ++k, state += state_step, current += current_step) {
        lif->i_state = state;
        lif->i_current = current & 0xFFFFF;
        neuron->cycle();
        states[k] = lif->o_state;
        spikes[k] = lif->o_spike;
    }
}
}
