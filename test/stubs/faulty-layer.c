/*
 * Stands for a driver with a fault, named in FAULT: `failing` ends every command with CL_OUT_OF_RESOURCES, `backwards`
 * has commands end before they start, `unprofiled` refuses queues with profiling, `mute` takes no event callbacks; `slow`
 * builds programs on a thread of its own, where that may be, and takes a tenth of a second more.
 */
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static int has_fault(const char *name) {
  const char *fault = getenv("FAULT");
  return fault != NULL && strcmp(fault, name) == 0;
}

struct wrapped {
  void (*notify)(cl_event, cl_int, void *);
  void *data;
};

static void fail(cl_event event, cl_int status, void *data) {
  (void)status;
  struct wrapped *wrapped = data;
  wrapped->notify(event, -5, wrapped->data);
  free(wrapped);
}

static cl_int set_callback(cl_event event, cl_int type, void (*notify)(cl_event, cl_int, void *), void *data) {
  if (has_fault("mute")) return -6;
  if (!has_fault("failing")) return below.clSetEventCallback(event, type, notify, data);
  struct wrapped *wrapped = malloc(sizeof *wrapped);
  if (wrapped == NULL) return -6;
  *wrapped = (struct wrapped){notify, data};
  return below.clSetEventCallback(event, type, fail, wrapped);
}

static cl_int profiling_info(cl_event event, cl_uint name, size_t size, void *value, size_t *size_ret) {
  int end = name == CL_PROFILING_COMMAND_END && has_fault("backwards");
  cl_int result =
      below.clGetEventProfilingInfo(event, end ? CL_PROFILING_COMMAND_START : name, size, value, size_ret);
  if (end && result == CL_SUCCESS) --*(cl_ulong *)value;
  return result;
}

static cl_command_queue create_queue(cl_context context, cl_device_id device, cl_bitfield properties, cl_int *error) {
  if (has_fault("unprofiled") && (properties & CL_QUEUE_PROFILING_ENABLE)) {
    *error = -35;
    return NULL;
  }
  return below.clCreateCommandQueue(context, device, properties, error);
}

struct build {
  cl_program program;
  void (*notify)(cl_program, void *);
  void *data;
};

static void *build_slowly(void *data) {
  struct build *build = data;
  below.clBuildProgram(build->program, 0, NULL, "", NULL, NULL);
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  build->notify(build->program, build->data);
  free(build);
  return NULL;
}

static cl_int build_program(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                            void (*notify)(cl_program, void *), void *data) {
  struct build *build = has_fault("slow") && notify != NULL ? malloc(sizeof *build) : NULL;
  pthread_t thread;
  if (build == NULL) return below.clBuildProgram(program, count, devices, options, notify, data);
  *build = (struct build){program, notify, data};
  pthread_create(&thread, NULL, build_slowly, build);
  return CL_SUCCESS;
}

static void hook(struct dispatch *table) {
  table->clSetEventCallback = set_callback;
  table->clGetEventProfilingInfo = profiling_info;
  table->clCreateCommandQueue = create_queue;
  table->clBuildProgram = build_program;
}
