/*
 * Devices that the program created queues, memory or programs for, numbered in the order of their first use. Records carry the number;
 * JavaScript asks for the handle behind it. Root devices live as long as the process, so handles stay valid.
 */
#include "layer.h"

#include <pthread.h>

#define DEVICES RING_DEVICES

RING_EXPORT cl_device_id accelmeter_opencl_device(uint32_t index);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(cl_device_id) devices[DEVICES];
static bool unified[DEVICES]; /* written before the device's number is given out */

static cl_device_id root_of(cl_device_id device) {
  cl_device_id parent = NULL;
  /* OpenCL 1.1 has no sub-devices and answers CL_INVALID_VALUE. */
  while (next.clGetDeviceInfo(device, CL_DEVICE_PARENT_DEVICE, sizeof parent, &parent, NULL) == CL_SUCCESS &&
         parent != NULL && parent != device) {
    device = parent;
  }
  return device;
}

static bool ask_unified(cl_device_id device) {
  cl_bool answer = 0;
  return next.clGetDeviceInfo(device, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof answer, &answer, NULL) == CL_SUCCESS &&
         answer;
}

uint32_t device_index(cl_device_id device) {
  cl_device_id root = root_of(device);
  pthread_mutex_lock(&lock);
  uint32_t index = 0;
  while (index < DEVICES && devices[index] != NULL && devices[index] != root) index++;
  if (index < DEVICES && devices[index] == NULL) {
    unified[index] = ask_unified(root);
    devices[index] = root;
  }
  pthread_mutex_unlock(&lock);
  return index < DEVICES ? index : NO_DEVICE;
}

bool device_is_unified(uint32_t index) { return index < DEVICES && unified[index]; }

uint32_t device_indices(uint32_t count, const cl_device_id *handles, uint32_t *indices) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < count && found < MOST_DEVICES; i++) {
    uint32_t index = device_index(handles[i]);
    uint32_t known = 0;
    while (known < found && indices[known] != index) known++;
    if (index != NO_DEVICE && known == found) indices[found++] = index;
  }
  return found;
}

uint32_t context_devices(cl_context context, uint32_t *indices) {
  cl_device_id handles[MOST_DEVICES];
  size_t size = 0;
  if (next.clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof handles, handles, &size) != CL_SUCCESS) return 0;
  return device_indices((uint32_t)(size / sizeof *handles), handles, indices);
}

/* The handle behind a record's device number; NULL for a number that was never given out. */
cl_device_id accelmeter_opencl_device(uint32_t index) { return index < DEVICES ? devices[index] : NULL; }
