/* The kernels that accelmeter itself runs, in C: the stub does not read Metal's language. */
#include "metal.h"

#include <string.h>

static float *floats(id buffer, size_t at_least) {
  size_t length;
  float *contents = stub_contents(buffer, &length);
  if (length < at_least * sizeof *contents) stub_fault("a kernel ran beyond its buffer");
  return contents;
}

static void self_test(struct size grid, id *buffers) {
  size_t count = grid.width * grid.height * grid.depth;
  float *values = floats(buffers[0], count);
  for (size_t i = 0; i < count; i++) values[i] = values[i] * 2 + 1;
}

static void multiply(struct size grid, id *buffers) {
  size_t size = grid.width;
  const float *left = floats(buffers[0], size * size), *right = floats(buffers[1], size * size);
  float *result = floats(buffers[2], size * size);
  for (size_t row = 0; row < grid.height; row++) {
    for (size_t column = 0; column < size; column++) {
      float sum = 0;
      for (size_t k = 0; k < size; k++) sum += left[row * size + k] * right[k * size + column];
      result[row * size + column] = sum;
    }
  }
}

bool stub_compute(const char *kernel, struct size grid, id *buffers) {
  if (strcmp(kernel, "accelmeter_self_test") == 0) self_test(grid, buffers);
  else if (strcmp(kernel, "matmul_256") == 0) multiply(grid, buffers);
  else return false;
  return true;
}
