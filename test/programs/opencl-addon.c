/* A native addon of a program that knows nothing of us: linked with the OpenCL loader, called from JavaScript. */
#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>

typedef void *handle;

extern int32_t clGetPlatformIDs(uint32_t, handle *, uint32_t *);
extern int32_t clGetDeviceIDs(handle, uint64_t, uint32_t, handle *, uint32_t *);
extern handle clCreateContext(const void *, uint32_t, const handle *, void *, void *, int32_t *);
extern handle clCreateCommandQueue(handle, handle, uint64_t, int32_t *);
extern handle clCreateProgramWithSource(handle, uint32_t, const char **, const size_t *, int32_t *);
extern int32_t clBuildProgram(handle, uint32_t, const handle *, const char *, void *, void *);
extern handle clCreateKernel(handle, const char *, int32_t *);
extern int32_t clEnqueueNDRangeKernel(handle, handle, uint32_t, const size_t *, const size_t *, const size_t *,
                                      uint32_t, const handle *, handle *);
extern int32_t clFinish(handle);

/* Launches a few kernels; how many. */
static napi_value run(napi_env env, napi_callback_info info) {
  (void)info;
  handle platform = NULL, device = NULL;
  int32_t error = 0;
  clGetPlatformIDs(1, &platform, NULL);
  clGetDeviceIDs(platform, 0xFFFFFFFF, 1, &device, NULL);
  handle context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  handle queue = clCreateCommandQueue(context, device, 0, &error);
  const char *source = "__kernel void of_an_addon(void) {}";
  handle program = clCreateProgramWithSource(context, 1, &source, NULL, &error);
  clBuildProgram(program, 1, &device, "", NULL, NULL);
  handle kernel = clCreateKernel(program, "of_an_addon", &error);
  uint32_t launched = 0;
  for (size_t i = 0, items = 1; i < 25; i++) {
    launched += clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL) == 0;
  }
  clFinish(queue);
  napi_value result;
  napi_create_uint32(env, launched, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, NULL, &function);
  napi_set_named_property(env, exports, "run", function);
  return exports;
}
