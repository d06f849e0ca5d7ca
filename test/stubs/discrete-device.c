/*
 * Stands for a device with a memory of its own, on top of one whose memory is the host's: it says so, and is asked to
 * do what it would be asked otherwise. It has pipes, too, which are buffers beneath.
 */
#include "../../instrumentation/opencl-layer/opencl.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static struct dispatch below;
static struct dispatch table;

EXPORT cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret);
EXPORT cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                          const struct dispatch **layer_ret);

static cl_int device_info(cl_device_id device, cl_uint name, size_t size, void *value, size_t *size_ret) {
  cl_int result = below.clGetDeviceInfo(device, name, size, value, size_ret);
  if (name == CL_DEVICE_HOST_UNIFIED_MEMORY && result == CL_SUCCESS && value != NULL) memset(value, 0, size);
  return result;
}

static cl_mem create_pipe(cl_context context, cl_bitfield flags, cl_uint packet_size, cl_uint packets,
                          const cl_ulong *properties, cl_int *error) {
  (void)properties;
  return below.clCreateBuffer(context, flags, (size_t)packet_size * packets + 64, NULL, error);
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
  table.clGetDeviceInfo = device_info;
  table.clCreatePipe = create_pipe;
  *entries_ret = sizeof table / sizeof(void *);
  *layer_ret = &table;
  return CL_SUCCESS;
}
