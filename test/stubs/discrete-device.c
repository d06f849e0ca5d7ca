/*
 * Stands for a device with a memory of its own, on top of one whose memory is the host's: it says so, and is asked to
 * do what it would be asked otherwise. It has pipes, too, which are buffers beneath.
 */
#include "layer.h"

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

static void hook(struct dispatch *table) {
  table->clGetDeviceInfo = device_info;
  table->clCreatePipe = create_pipe;
}
