/*
 * A stub: stands for Khronos' OpenCL loader as it is since January 2026, in case no package of it is at hand. It
 * begins layers by clInitLayerWithProperties, takes over the entries that they give, and ends them by clDeinitLayer
 * (khrIcdLayerAdd and khrIcdDeinitialize in that loader's loader/icd.c). Beneath the layer is the real loader of the
 * machine; above it a program of a few kernels.
 */
#include "../../instrumentation/opencl-layer/opencl.h"

#include <dlfcn.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
EXPORT int run_under_layer(const char *path);

#define ENTRY(name) {offsetof(struct dispatch, name), #name}
static const struct {
  size_t offset;
  const char *name;
} entries[] = {
    ENTRY(clGetPlatformIDs),       ENTRY(clGetDeviceIDs),        ENTRY(clGetDeviceInfo),
    ENTRY(clCreateContext),        ENTRY(clGetContextInfo),      ENTRY(clCreateCommandQueue),
    ENTRY(clRetainCommandQueue),   ENTRY(clReleaseCommandQueue), ENTRY(clGetCommandQueueInfo),
    ENTRY(clCreateBuffer),         ENTRY(clReleaseMemObject),    ENTRY(clCreateProgramWithSource),
    ENTRY(clBuildProgram),         ENTRY(clGetProgramInfo),      ENTRY(clGetProgramBuildInfo),
    ENTRY(clCreateKernel),         ENTRY(clReleaseKernel),       ENTRY(clGetKernelInfo),
    ENTRY(clSetKernelArg),         ENTRY(clGetEventInfo),        ENTRY(clRetainEvent),
    ENTRY(clReleaseEvent),         ENTRY(clGetMemObjectInfo),    ENTRY(clGetEventProfilingInfo),
    ENTRY(clFinish),               ENTRY(clSetEventCallback),    ENTRY(clEnqueueNDRangeKernel),
    ENTRY(clSetMemObjectDestructorCallback),
};

static struct dispatch below, table;

static int run_program(void) {
  cl_int (*platforms)(cl_uint, void **, cl_uint *);
  cl_int (*devices)(void *, cl_bitfield, cl_uint, cl_device_id *, cl_uint *);
  cl_context (*create_context)(const void *, cl_uint, const cl_device_id *, void *, void *, cl_int *);
  cl_program (*create_program)(cl_context, cl_uint, const char **, const size_t *, cl_int *);
  memcpy(&platforms, &table.clGetPlatformIDs, sizeof platforms);
  memcpy(&devices, &table.clGetDeviceIDs, sizeof devices);
  memcpy(&create_context, &table.clCreateContext, sizeof create_context);
  memcpy(&create_program, &table.clCreateProgramWithSource, sizeof create_program);
  void *platform;
  cl_device_id device;
  cl_int error;
  if (platforms(1, &platform, NULL) != 0 || devices(platform, 0xFFFFFFFF, 1, &device, NULL) != 0) return -3;
  cl_context context = create_context(NULL, 1, &device, NULL, NULL, &error);
  cl_command_queue queue = table.clCreateCommandQueue(context, device, 0, &error);
  const char *source = "__kernel void under_the_stub(void) {}";
  cl_program program = create_program(context, 1, &source, NULL, &error);
  if (table.clBuildProgram(program, 1, &device, "", NULL, NULL) != 0) return -4;
  cl_kernel kernel = table.clCreateKernel(program, "under_the_stub", &error);
  size_t items = 1;
  int launched = 0;
  for (int i = 0; i < 20; i++) {
    launched += table.clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL) == 0;
  }
  return table.clFinish(queue) == 0 ? launched : -5;
}

/* How many kernels were launched; negative where something is not as it must be. */
int run_under_layer(const char *path) {
  cl_int (*info)(cl_uint, size_t, void *, size_t *);
  cl_int (*init)(cl_uint, const struct dispatch *, cl_uint *, const struct dispatch **, const void *);
  cl_int (*end)(void);
  void *real = dlopen("libOpenCL.so.1", RTLD_NOW);
  void *layer = dlopen(path, RTLD_NOW);
  if (real == NULL || layer == NULL) return -1;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    void *function = dlsym(real, entries[i].name);
    memcpy((char *)&below + entries[i].offset, &function, sizeof function);
  }
  *(void **)&info = dlsym(layer, "clGetLayerInfo");
  *(void **)&init = dlsym(layer, "clInitLayerWithProperties");
  *(void **)&end = dlsym(layer, "clDeinitLayer");
  cl_uint version = 0, count = 0;
  const struct dispatch *given = NULL;
  if (info(CL_LAYER_API_VERSION, sizeof version, &version, NULL) != 0 || version != CL_LAYER_API_VERSION_100) return -2;
  if (init(sizeof below / sizeof(void *), &below, &count, &given, NULL) != 0) return -2;
  /* Entries that a layer leaves empty, or is too old to have, are those beneath it. */
  for (size_t i = 0; i < sizeof table / sizeof(void *); i++) {
    void *const *of_layer = (void *const *)given;
    ((void **)&table)[i] = i < count && of_layer[i] != NULL ? of_layer[i] : ((void **)&below)[i];
  }
  int launched = run_program();
  if (end() != CL_SUCCESS) return -6;
  dlclose(layer);
  return launched;
}
