/* Stands for a driver that knows kernels of any name: each is the program's "add". */
#include "layer.h"

static cl_kernel create_kernel(cl_program program, const char *name, cl_int *error) {
  (void)name;
  return below.clCreateKernel(program, "add", error);
}

static void hook(struct dispatch *table) {
  table->clCreateKernel = create_kernel;
}
