/*
 * A CUDA driver without a GPU, of what the tracer asks and what loads it: cuInit() loads the library named in
 * CUDA_INJECTION64_PATH, as the real one does. It has three devices: a GPU, a part of one (MIG), and one that tells no
 * UUID. With STUB_CUDA_VERSION it is of that version. With STUB_CUDA_ENDS_CUPTI it takes the stub of CUPTI down in a
 * handler of exit() that it registers when our tracer is there already.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int cuInit(unsigned flags);
EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDeviceGet(int *device, int ordinal);
EXPORT int cuDeviceGetUuid(void *uuid, int device);
EXPORT int cuDeviceGetUuid_v2(void *uuid, int device);

static void end(void) {
  const char *path = getenv("ACCELMETER_CUPTI_LIBRARY");
  void *cupti = path == NULL ? NULL : dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  void (*take_down)(void) = NULL;
  if (cupti != NULL) *(void **)(&take_down) = dlsym(cupti, "stub_cupti_take_down");
  if (take_down != NULL) take_down();
}

int cuInit(unsigned flags) {
  (void)flags;
  const char *path = getenv("CUDA_INJECTION64_PATH");
  void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  int (*initialise)(void) = NULL;
  if (library != NULL) *(void **)(&initialise) = dlsym(library, "InitializeInjection");
  if (initialise != NULL) initialise();
  if (getenv("STUB_CUDA_ENDS_CUPTI") != NULL) atexit(end);
  return 0;
}

int cuDriverGetVersion(int *version) {
  const char *given = getenv("STUB_CUDA_VERSION");
  *version = given == NULL ? 12040 : atoi(given);
  return 0;
}

int cuDeviceGet(int *device, int ordinal) {
  if (ordinal < 0 || ordinal > 2) return 101; /* CUDA_ERROR_INVALID_DEVICE */
  *device = ordinal;
  return 0;
}

static int tell(void *uuid, int device, unsigned char last) {
  if (device == 2) return 801; /* CUDA_ERROR_NOT_SUPPORTED */
  for (unsigned char i = 0; i < 16; i++) ((unsigned char *)uuid)[i] = (unsigned char)(0x10 * device + i);
  ((unsigned char *)uuid)[15] = last;
  return 0;
}

int cuDeviceGetUuid(void *uuid, int device) { return tell(uuid, device, 0xff); }
int cuDeviceGetUuid_v2(void *uuid, int device) { return tell(uuid, device, device == 1 ? 0xee : 0xff); }
