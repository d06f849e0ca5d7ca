/*
 * The entrance of the layers that stand for something in tests: what OpenCL loaders look for. A stub includes this, calls
 * through `below`, and puts its functions into the table in `hook`.
 */
#ifndef ACCELMETER_STUB_LAYER_H
#define ACCELMETER_STUB_LAYER_H

#include "../../instrumentation/opencl-layer/opencl.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* The next layer, or the driver. */
static struct dispatch below;

static void hook(struct dispatch *table);

EXPORT cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret);
EXPORT cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                          const struct dispatch **layer_ret);

cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret) {
  cl_uint version = CL_LAYER_API_VERSION_100;
  if (name != CL_LAYER_API_VERSION) return CL_INVALID_VALUE;
  if (value != NULL && size >= sizeof version) memcpy(value, &version, sizeof version);
  if (size_ret != NULL) *size_ret = sizeof version;
  return CL_SUCCESS;
}

cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                   const struct dispatch **layer_ret) {
  static struct dispatch table;
  if (entries < sizeof table / sizeof(void *)) return CL_INVALID_VALUE;
  memcpy(&below, target, sizeof below);
  memcpy(&table, target, sizeof table);
  hook(&table);
  *entries_ret = sizeof table / sizeof(void *);
  *layer_ret = &table;
  return CL_SUCCESS;
}

#endif
