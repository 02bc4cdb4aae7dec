// The host link's native driver, which also writes what of the source has been covered.
#define COVERED 1
#include "host_link.cpp"
#include "verilated_cov.h"

extern "C" void link_cover(Link* d, const char* path) { d->context.coveragep()->write(path); }
