/*
 * Stands for an OpenCL driver that does not survive its initialisation, named in FAULT: `aborting` says why and ends the
 * process, as PoCL does where /sys is not mounted, `crashing` reads from nowhere, `hanging` never answers.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *clGetExtensionFunctionAddress(const char *name);
EXPORT int clIcdGetPlatformIDsKHR(unsigned capacity, void *platforms, unsigned *count);
EXPORT int clGetPlatformInfo(void *platform, unsigned name, size_t size, void *value, size_t *size_ret);

int clIcdGetPlatformIDsKHR(unsigned capacity, void *platforms, unsigned *count) {
  (void)capacity, (void)platforms;
  const char *fault = getenv("FAULT");
  if (fault != NULL && strcmp(fault, "aborting") == 0) {
    fputs("lost-icd: no such hardware\n", stderr);
    abort();
  }
  if (fault != NULL && strcmp(fault, "crashing") == 0) raise(SIGSEGV);
  if (fault != NULL && strcmp(fault, "hanging") == 0) {
    for (;;) pause();
  }
  *count = 0;
  return -1001; /* no platform */
}

/* Loaders look for it before they ask for platforms; there is none to ask about. */
int clGetPlatformInfo(void *platform, unsigned name, size_t size, void *value, size_t *size_ret) {
  (void)platform, (void)name, (void)size, (void)value, (void)size_ret;
  return -32;
}

void *clGetExtensionFunctionAddress(const char *name) {
  if (strcmp(name, "clIcdGetPlatformIDsKHR") == 0) return (void *)(uintptr_t)clIcdGetPlatformIDsKHR;
  if (strcmp(name, "clGetPlatformInfo") == 0) return (void *)(uintptr_t)clGetPlatformInfo;
  return NULL;
}
