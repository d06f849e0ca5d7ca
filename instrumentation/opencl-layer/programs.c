/*
 * Compilation: the time of a clBuildProgram that builds before it returns. A build with a callback goes on elsewhere,
 * and one for several devices at once cannot be told apart: neither is recorded.
 */
#include "layer.h"

#include <math.h>

/* The one device that a build was for, or NULL. */
static cl_device_id only_device(cl_program program, cl_uint count, const cl_device_id *devices) {
  if (devices != NULL) return count == 1 ? devices[0] : NULL;
  cl_uint built = 0;
  cl_device_id device = NULL;
  if (next.clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof built, &built, NULL) != CL_SUCCESS) return NULL;
  if (built != 1) return NULL;
  if (next.clGetProgramInfo(program, CL_PROGRAM_DEVICES, sizeof device, &device, NULL) != CL_SUCCESS) return NULL;
  return device;
}

static cl_int build_program(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                            void (*notify)(cl_program, void *), void *user_data) {
  uint64_t begun_ns = ring_clock_ns();
  cl_int result = next.clBuildProgram(program, count, devices, options, notify, user_data);
  if (result != CL_SUCCESS || notify != NULL || !ring_recording()) return result;
  uint64_t ended_ns = ring_clock_ns();
  cl_device_id device = only_device(program, count, devices);
  uint32_t index = device == NULL ? NO_DEVICE : device_index(device);
  if (index == NO_DEVICE) return result;
  struct ring_record record = {
      .kind = RING_COMPILATION,
      .device = index,
      .start = ring_seconds(begun_ns),
      .duration = (double)(ended_ns - begun_ns) / 1e9,
      .wait = NAN,
  };
  ring_push(&record);
  return result;
}

void hook_programs(struct dispatch *table) { table->clBuildProgram = build_program; }
