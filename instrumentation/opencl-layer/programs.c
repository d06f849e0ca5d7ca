/*
 * Compilation: how long clBuildProgram, clCompileProgram and clLinkProgram took, to their return or, where the program
 * gave a callback, to that. A build for several devices counts on each, with its whole time: which part was for which
 * is not told.
 */
#include "layer.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef void (*notify_function)(cl_program, void *);

/* A build on its way. Both the call and the callback hold it; a driver that never calls back leaves it. */
struct build {
  uint64_t begun_ns;
  notify_function notify; /* the program's own, or NULL */
  void *user_data;
  cl_int failure;     /* what it is called when it fails and the callback comes */
  cl_context context; /* of a link, which has no program before */
  _Atomic bool told;
  _Atomic int holders;
  uint32_t count; /* of devices that the program named; 0: those of the program or context */
  cl_device_id devices[MOST_DEVICES];
};

/* NULL where it cannot be followed. */
static struct build *begin(cl_int failure, cl_uint count, const cl_device_id *devices, notify_function notify,
                           void *user_data) {
  struct build *build = ring_recording() ? calloc(1, sizeof *build) : NULL;
  if (build == NULL) return NULL;
  build->notify = notify;
  build->user_data = user_data;
  build->failure = failure;
  atomic_store(&build->holders, notify == NULL ? 1 : 2);
  if (devices != NULL && count <= MOST_DEVICES) {
    memcpy(build->devices, devices, count * sizeof *devices);
    build->count = count;
  }
  build->begun_ns = ring_clock_ns();
  return build;
}

static void let_go(struct build *build) {
  if (atomic_fetch_sub(&build->holders, 1) == 1) free(build);
}

static uint32_t handles_of(cl_program program, cl_device_id *handles) {
  size_t size = 0;
  size_t room = MOST_DEVICES * sizeof *handles;
  if (program == NULL || next.clGetProgramInfo(program, CL_PROGRAM_DEVICES, room, handles, &size) != CL_SUCCESS) {
    return 0;
  }
  return (uint32_t)(size / sizeof *handles);
}

static uint32_t devices_of(const struct build *build, cl_program program, uint32_t *indices) {
  cl_device_id handles[MOST_DEVICES];
  if (build->count > 0) return device_indices(build->count, build->devices, indices);
  if (program != NULL) return device_indices(handles_of(program, handles), handles, indices);
  return build->context != NULL ? context_devices(build->context, indices) : 0;
}

/* Records the build on each of its devices, once. All handles are ones that the driver has accepted. */
static void tell(struct build *build, cl_program program, cl_int error) {
  if (atomic_exchange(&build->told, true) || !ring_armed()) return;
  double seconds = (double)(ring_clock_ns() - build->begun_ns) / 1e9;
  uint32_t devices[MOST_DEVICES];
  uint32_t count = devices_of(build, program, devices);
  for (uint32_t i = 0; i < count; i++) {
    struct ring_record record = {
        .kind = RING_COMPILATION,
        .device = devices[i],
        .error = error,
        .start = ring_seconds(build->begun_ns),
        .duration = seconds,
        .wait = NAN,
    };
    ring_push(&record);
  }
}

/* How it ended, when a callback comes: that has no error of its own. Failed on one device, it has failed. */
static cl_int outcome(const struct build *build, cl_program program) {
  cl_device_id handles[MOST_DEVICES];
  uint32_t count = handles_of(program, handles);
  cl_int result = program == NULL ? build->failure : CL_SUCCESS;
  for (uint32_t i = 0; i < count; i++) {
    cl_int status = 0;
    next.clGetProgramBuildInfo(program, handles[i], CL_PROGRAM_BUILD_STATUS, sizeof status, &status, NULL);
    if (status == CL_BUILD_ERROR) result = build->failure;
  }
  return result;
}

/* On a thread of the driver, or within the call. */
static void built(cl_program program, void *data) {
  struct build *build = data;
  tell(build, program, outcome(build, program));
  build->notify(program, build->user_data);
  let_go(build);
}

/* When the call returns. With a callback, success says only that the build has begun. */
static void returned(struct build *build, cl_program program, cl_int result) {
  bool refused = result == CL_INVALID_VALUE || result == CL_INVALID_DEVICE || result == CL_INVALID_CONTEXT ||
                 result == CL_INVALID_PROGRAM;
  if (!refused && (build->notify == NULL || result != CL_SUCCESS)) tell(build, program, result);
  let_go(build);
}

static cl_int build_program(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                            notify_function notify, void *user_data) {
  struct build *build = begin(CL_BUILD_PROGRAM_FAILURE, count, devices, notify, user_data);
  bool called_back = build != NULL && notify != NULL;
  cl_int result = next.clBuildProgram(program, count, devices, options, called_back ? built : notify,
                                      called_back ? build : user_data);
  if (build != NULL) returned(build, program, result);
  return result;
}

static cl_int compile_program(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                              cl_uint headers, const cl_program *header_programs, const char **header_names,
                              notify_function notify, void *user_data) {
  struct build *build = begin(CL_COMPILE_PROGRAM_FAILURE, count, devices, notify, user_data);
  bool called_back = build != NULL && notify != NULL;
  cl_int result = next.clCompileProgram(program, count, devices, options, headers, header_programs, header_names,
                                        called_back ? built : notify, called_back ? build : user_data);
  if (build != NULL) returned(build, program, result);
  return result;
}

static cl_program link_program(cl_context context, cl_uint count, const cl_device_id *devices, const char *options,
                               cl_uint inputs, const cl_program *input_programs, notify_function notify,
                               void *user_data, cl_int *error) {
  struct build *build = begin(CL_LINK_PROGRAM_FAILURE, count, devices, notify, user_data);
  bool called_back = build != NULL && notify != NULL;
  cl_int result = CL_SUCCESS;
  if (build != NULL) build->context = context;
  cl_program program = next.clLinkProgram(context, count, devices, options, inputs, input_programs,
                                          called_back ? built : notify, called_back ? build : user_data, &result);
  if (build != NULL) returned(build, program, result);
  if (error != NULL) *error = result;
  return program;
}

void hook_programs(struct dispatch *table) {
  table->clBuildProgram = build_program;
  if (next.clCompileProgram != NULL) table->clCompileProgram = compile_program;
  if (next.clLinkProgram != NULL) table->clLinkProgram = link_program;
}
