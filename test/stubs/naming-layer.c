/* Stands for a driver that knows kernels of any name: each is the program's "add". */
#include "../../instrumentation/opencl-layer/opencl.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static struct dispatch below;
static struct dispatch table;

EXPORT cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret);
EXPORT cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                          const struct dispatch **layer_ret);

static cl_kernel create_kernel(cl_program program, const char *name, cl_int *error) {
  (void)name;
  return below.clCreateKernel(program, "add", error);
}

cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret) {
  cl_uint version = CL_LAYER_API_VERSION_100;
  if (name != CL_LAYER_API_VERSION) return CL_INVALID_VALUE;
  if (value != NULL && size >= sizeof version) memcpy(value, &version, sizeof version);
  if (size_ret != NULL) *size_ret = sizeof version;
  return CL_SUCCESS;
}

cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                   const struct dispatch **layer_ret) {
  if (entries < sizeof table / sizeof(void *)) return CL_INVALID_VALUE;
  memcpy(&below, target, sizeof below);
  memcpy(&table, target, sizeof table);
  table.clCreateKernel = create_kernel;
  *entries_ret = sizeof table / sizeof(void *);
  *layer_ret = &table;
  return CL_SUCCESS;
}
