/*
 * Devices that queues were created on, numbered in the order of their first queue. Records carry the number;
 * JavaScript asks for the handle behind it. Root devices live as long as the process, so handles stay valid.
 */
#include "layer.h"

#include <pthread.h>

#define DEVICES 256u

RING_EXPORT cl_device_id accelmeter_opencl_device(uint32_t index);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(cl_device_id) devices[DEVICES];

static cl_device_id root_of(cl_device_id device) {
  cl_device_id parent = NULL;
  /* OpenCL 1.1 has no sub-devices and answers CL_INVALID_VALUE. */
  while (next.clGetDeviceInfo(device, CL_DEVICE_PARENT_DEVICE, sizeof parent, &parent, NULL) == CL_SUCCESS &&
         parent != NULL && parent != device) {
    device = parent;
  }
  return device;
}

uint32_t device_index(cl_device_id device) {
  cl_device_id root = root_of(device);
  pthread_mutex_lock(&lock);
  uint32_t index = 0;
  while (index < DEVICES && devices[index] != NULL && devices[index] != root) index++;
  if (index < DEVICES) devices[index] = root;
  pthread_mutex_unlock(&lock);
  return index < DEVICES ? index : NO_DEVICE;
}

/* The handle behind a record's device number; NULL for a number that was never given out. */
cl_device_id accelmeter_opencl_device(uint32_t index) { return index < DEVICES ? devices[index] : NULL; }
