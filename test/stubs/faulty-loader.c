/*
 * Stands for an OpenCL loader with a fault, named in FAULT: `hanging` and `aborting` do so while the library is loaded,
 * `stuck` hangs in its first call, `deviceless` has a platform without devices. Built with LACKING it has no
 * clGetDeviceInfo, built with NOTHING no call at all.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int32_t clGetPlatformIDs(uint32_t entries, void **platforms, uint32_t *count);
EXPORT int32_t clGetPlatformInfo(void *platform, uint32_t name, size_t size, void *value, size_t *size_ret);
EXPORT int32_t clGetDeviceIDs(void *platform, uint64_t type, uint32_t entries, void **devices, uint32_t *count);
EXPORT int32_t clGetDeviceInfo(void *device, uint32_t name, size_t size, void *value, size_t *size_ret);

static int has_fault(const char *name) {
  const char *fault = getenv("FAULT");
  return fault != NULL && strcmp(fault, name) == 0;
}

__attribute__((constructor)) static void load(void) {
  while (has_fault("hanging")) pause();
  if (has_fault("aborting")) abort();
}

#ifndef NOTHING
static char a_platform, a_device;

int32_t clGetPlatformIDs(uint32_t entries, void **platforms, uint32_t *count) {
  while (has_fault("stuck")) pause();
  if (entries > 0) platforms[0] = &a_platform;
  if (count != NULL) *count = 1;
  return 0;
}

int32_t clGetPlatformInfo(void *platform, uint32_t name, size_t size, void *value, size_t *size_ret) {
  (void)platform, (void)name;
  if (size_ret != NULL) *size_ret = 5;
  if (value != NULL && size >= 5) memcpy(value, "Stub", 5);
  return 0;
}

int32_t clGetDeviceIDs(void *platform, uint64_t type, uint32_t entries, void **devices, uint32_t *count) {
  (void)platform, (void)type;
  if (has_fault("deviceless")) return -1; /* CL_DEVICE_NOT_FOUND */
  if (entries > 0) devices[0] = &a_device;
  if (count != NULL) *count = 1;
  return 0;
}

#ifndef LACKING
int32_t clGetDeviceInfo(void *device, uint32_t name, size_t size, void *value, size_t *size_ret) {
  (void)device, (void)name, (void)size, (void)value, (void)size_ret;
  return -30;
}
#endif
#endif
