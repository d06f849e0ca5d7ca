/* What the two halves of Metal's stub need of each other. */
#ifndef METAL_STUB_METAL_H
#define METAL_STUB_METAL_H

#include "stub.h"

enum { MOST_SAMPLES = 64 };

/* MTLCounterSampleBuffer. */
struct samples {
  struct object head;
  unsigned long count;
  uint64_t ticks[MOST_SAMPLES];
};

/* MTLComputePassDescriptor. */
struct pass {
  struct object head;
  id samples;
  unsigned long start, end;
};

struct device_facts *stub_facts(id device);
/* The GPU's own clock at a moment of the machine's. */
uint64_t stub_gpu_ticks(const struct device_facts *facts, double uptime_seconds);
/* The name of the kernel that a pipeline runs, and the memory of a buffer. */
const char *stub_kernel_of(id pipeline);
void *stub_contents(id buffer, size_t *length);

id stub_queue(id device);
id stub_sample_buffer(id device, id descriptor);

/* kernels.c: computes what the kernel of that name would; false where the stub knows none. */
bool stub_compute(const char *kernel, struct size grid, id *buffers);

#endif
