// The clocks of a Verilated top, made by the harness: a cycle is the rising edge of every clock that is enabled, after which outputs
// are read and inputs set, then the falling edge. (Verilator spells a double underscore ___05F.)
#pragma once
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif
#include <memory>

// Eval is the model's evaluation without the locks that Model::eval takes around it for DPI and class objects, of which there are none.
template <class Model, class Root, void (*Eval)(Root*)> struct Clock {
    VerilatedContext context;
    std::unique_ptr<Model> model;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> wave;
#endif
    // With a seed, what the model leaves unknown is random; whether there is any is settled when the model is made.
    explicit Clock(int seed = 0) {
        context.randReset(seed ? 2 : 0);
        context.randSeed(seed);
#if VM_TRACE
        context.traceEverOn(true);
#endif
        model.reset(new Model(&context));
    }
    ~Clock() { model->final(); }
    // Settles; later evaluations may take the short way.
    void start() {
        model->eval();
        rise();
    }
    void dump() {
#if VM_TRACE
        context.timeInc(1);
        if (wave) wave->dump(context.time());
#endif
    }
    void rise() {
        set_gated(model.get(), true);
        model->clk = 1;
        eval();
        dump();
    }
    template <class Top> static void set_gated(Top* top, bool level) {
        if constexpr (requires { top->draw_clk; }) {
            top->draw_clk = level & top->draw_enable;
            top->update_clk = level & top->update_enable;
        }
        if constexpr (requires { top->stream_clk; }) top->stream_clk = level & top->stream_enable;
    }
#if VM_TRACE || COVERED
    void eval() { model->eval(); }  // also marks what changed, for the waveform, and clocks that fall are covered
    void fall() {
        set_gated(model.get(), false);
        model->clk = 0;
        eval();
        dump();
    }
#else
    void eval() { Eval(model->rootp); }
    // Nothing happens at a falling edge, so that it is enough that the next evaluation finds every clock to have been low.
    void fall() { forget(model->rootp); }
    template <class Any> static void forget(Any* root) {
        root->__Vtrigprevexpr___TOP__clk__0 = 0;
        if constexpr (requires { root->draw_clk; }) {
            root->__Vtrigprevexpr___TOP__draw_clk__0 = 0;
            root->__Vtrigprevexpr___TOP__update_clk__0 = 0;
        }
        if constexpr (requires { root->stream_clk; }) root->__Vtrigprevexpr___TOP__stream_clk__0 = 0;
    }
#endif
    void cycle() { fall(); rise(); }
};
