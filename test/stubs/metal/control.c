/* What tests ask the stub, beside what macOS has: how much of what was taken is still held. And libSystem's calls. */
#include "stub.h"


EXPORT uint64_t clock_gettime_nsec_np(int32_t clock);
EXPORT long metal_stub_objects(void);
EXPORT long metal_stub_pools(void);
EXPORT long metal_stub_unpooled(void);
EXPORT long metal_stub_core_foundation(void);
EXPORT long metal_stub_services(void);

uint64_t clock_gettime_nsec_np(int32_t clock) {
  if (clock != 8) stub_fault("a clock %d that is not CLOCK_UPTIME_RAW", clock);
  return stub_uptime();
}

long metal_stub_objects(void) {
  return stub_live_objects();
}

long metal_stub_pools(void) {
  return stub_open_pools();
}

long metal_stub_unpooled(void) {
  return stub_unpooled();
}

long metal_stub_core_foundation(void) {
  return stub_live_core_foundation();
}

long metal_stub_services(void) {
  return stub_live_services();
}
