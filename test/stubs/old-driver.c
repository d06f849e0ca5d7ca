/*
 * Stands for a driver of OpenCL 1.0, whose queues' properties can be set later, on top of one that no longer can:
 * beneath, its queues always have profiling, and it answers as if they had what was set.
 */
#include "layer.h"

static cl_bitfield bits; /* of the one queue that there may be */

static cl_command_queue create_queue(cl_context context, cl_device_id device, cl_bitfield properties, cl_int *error) {
  bits = properties;
  return below.clCreateCommandQueue(context, device, properties | CL_QUEUE_PROFILING_ENABLE, error);
}

static cl_int set_property(cl_command_queue queue, cl_bitfield properties, cl_bool enable, cl_bitfield *old) {
  (void)queue;
  if (old != NULL) *old = bits;
  bits = enable ? bits | properties : bits & ~properties;
  return CL_SUCCESS;
}

static cl_int queue_info(cl_command_queue queue, cl_uint name, size_t size, void *value, size_t *size_ret) {
  cl_int result = below.clGetCommandQueueInfo(queue, name, size, value, size_ret);
  if (name == CL_QUEUE_PROPERTIES && result == CL_SUCCESS && value != NULL) memcpy(value, &bits, sizeof bits);
  return result;
}

static cl_int profiling_info(cl_event event, cl_uint name, size_t size, void *value, size_t *size_ret) {
  if (!(bits & CL_QUEUE_PROFILING_ENABLE)) return CL_PROFILING_INFO_NOT_AVAILABLE;
  return below.clGetEventProfilingInfo(event, name, size, value, size_ret);
}

static void hook(struct dispatch *table) {
  table->clCreateCommandQueue = create_queue;
  table->clSetCommandQueueProperty = set_property;
  table->clGetCommandQueueInfo = queue_info;
  table->clGetEventProfilingInfo = profiling_info;
}
