/* Somebody else's OpenCL layer: counts kernels launched, and says so to a file at exit. */
#include "../../instrumentation/opencl-layer/opencl.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static struct dispatch below;
static struct dispatch table;
static atomic_int launches;

EXPORT cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret);
EXPORT cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                          const struct dispatch **layer_ret);
EXPORT cl_int clInitLayerWithProperties(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                                        const struct dispatch **layer_ret, const void *properties);

static cl_int launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait_list,
                     cl_event *event) {
  atomic_fetch_add(&launches, 1);
  return below.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, waits, wait_list, event);
}

static void report(void) {
  const char *path = getenv("COUNTED");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  if (file == NULL) return;
  fprintf(file, "%d", launches);
  fclose(file);
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
  table.clEnqueueNDRangeKernel = launch;
  *entries_ret = sizeof table / sizeof(void *);
  *layer_ret = &table;
  atexit(report);
  return CL_SUCCESS;
}

/* For Khronos' loader from January 2026 on. */
cl_int clInitLayerWithProperties(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                                 const struct dispatch **layer_ret, const void *properties) {
  (void)properties;
  return clInitLayer(entries, target, entries_ret, layer_ret);
}
