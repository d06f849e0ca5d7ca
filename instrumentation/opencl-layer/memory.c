/*
 * The account of memory: what the program's buffers, images and pipes take of its devices, and when they give it back.
 *
 * A memory object lives until the last reference to it is gone: the program's, those of its parts and of images over
 * it, of kernels and of commands that use it. Only the driver knows when that is, and it tells: the callback of
 * clSetMemObjectDestructorCallback comes then, and after those of the program. An object whose end would not be told
 * is not taken into the account, nor is one that is made during a pause.
 *
 * A context of several devices may hold a copy on each, made when it is first used there: no call tells. The object
 * counts in full on each of them. A part of a buffer, and an image over a buffer or another image, have no memory of
 * their own. Memory that is the program's own (CL_MEM_USE_HOST_PTR) counts on devices that keep a copy of it, those
 * whose memory is not the host's.
 */
#include "layer.h"

#include <math.h>
#include <stdlib.h>

void push_allocation(uint32_t device, double bytes, cl_int error) {
  struct ring_record record = {
      .kind = RING_ALLOCATION,
      .device = device,
      .error = error,
      .start = ring_seconds(ring_clock_ns()),
      .wait = NAN,
      .amount = bytes,
  };
  ring_push(&record);
}

/* Of a context that the driver has accepted: that it refused something else does not say that it did. */
void push_allocation_failure(cl_context context, cl_int error) {
  uint32_t devices[MOST_DEVICES];
  if (error == CL_INVALID_CONTEXT || context == NULL) return;
  uint32_t count = context_devices(context, devices);
  for (uint32_t i = 0; i < count; i++) push_allocation(devices[i], 0, error);
}

/* What an object holds, and where; given back to malloc when the object goes. */
struct holding {
  double bytes;
  uint32_t count;
  uint32_t devices[];
};

static void released(cl_mem memory, void *data) {
  (void)memory;
  struct holding *holding = data;
  for (uint32_t i = 0; ring_armed() && i < holding->count; i++) {
    push_allocation(holding->devices[i], -holding->bytes, CL_SUCCESS);
  }
  free(holding);
}

double memory_bytes(cl_mem memory) {
  size_t bytes = 0;
  if (next.clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof bytes, &bytes, NULL) != CL_SUCCESS) return 0;
  return (double)bytes;
}

static void hold(cl_context context, cl_mem memory, cl_bitfield flags, double bytes) {
  uint32_t devices[MOST_DEVICES];
  uint32_t all = context_devices(context, devices);
  uint32_t count = 0;
  for (uint32_t i = 0; i < all; i++) {
    if (!(flags & CL_MEM_USE_HOST_PTR) || !device_is_unified(devices[i])) devices[count++] = devices[i];
  }
  if (all == 0) ring_count_untraced(); /* more devices than we look at, or a driver that does not tell */
  if (count == 0) return;
  struct holding *holding = malloc(sizeof *holding + count * sizeof *devices);
  if (holding == NULL) return ring_count_untraced();
  holding->bytes = bytes;
  holding->count = count;
  for (uint32_t i = 0; i < count; i++) {
    holding->devices[i] = devices[i];
    push_allocation(devices[i], bytes, CL_SUCCESS); /* before its end can be told */
  }
  if (next.clSetMemObjectDestructorCallback(memory, released, holding) == CL_SUCCESS) return;
  for (uint32_t i = 0; i < count; i++) push_allocation(devices[i], -bytes, CL_SUCCESS);
  free(holding);
  ring_count_untraced();
}

/* Gives the object back. `bytes`: 0 where the driver is to be asked. */
static cl_mem taken(cl_context context, cl_mem memory, cl_bitfield flags, double bytes, cl_int result, cl_int *error) {
  if (error != NULL) *error = result;
  if (!ring_recording()) return memory;
  if (memory != NULL) hold(context, memory, flags, bytes > 0 ? bytes : memory_bytes(memory));
  else push_allocation_failure(context, result);
  return memory;
}

/* The same for an image, unless it stands on the memory of another object. */
static cl_mem taken_image(cl_context context, cl_mem image, cl_bitfield flags, cl_int result, cl_int *error) {
  cl_mem other = NULL;
  bool has_other = image != NULL && ring_recording() &&
                   next.clGetMemObjectInfo(image, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof other, &other, NULL) ==
                       CL_SUCCESS &&
                   other != NULL;
  if (!has_other) return taken(context, image, flags, 0, result, error);
  if (error != NULL) *error = result;
  return image;
}

static cl_mem create_buffer(cl_context context, cl_bitfield flags, size_t size, void *host, cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem buffer = next.clCreateBuffer(context, flags, size, host, &result);
  return taken(context, buffer, flags, (double)size, result, error);
}

static cl_mem create_buffer_with_properties(cl_context context, const cl_ulong *properties, cl_bitfield flags,
                                            size_t size, void *host, cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem buffer = next.clCreateBufferWithProperties(context, properties, flags, size, host, &result);
  return taken(context, buffer, flags, (double)size, result, error);
}

static cl_mem create_image_2d(cl_context context, cl_bitfield flags, const cl_image_format *format, size_t width,
                              size_t height, size_t row, void *host, cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem image = next.clCreateImage2D(context, flags, format, width, height, row, host, &result);
  return taken_image(context, image, flags, result, error);
}

static cl_mem create_image_3d(cl_context context, cl_bitfield flags, const cl_image_format *format, size_t width,
                              size_t height, size_t depth, size_t row, size_t slice, void *host, cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem image = next.clCreateImage3D(context, flags, format, width, height, depth, row, slice, host, &result);
  return taken_image(context, image, flags, result, error);
}

static cl_mem create_image(cl_context context, cl_bitfield flags, const cl_image_format *format,
                           const cl_image_desc *description, void *host, cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem image = next.clCreateImage(context, flags, format, description, host, &result);
  return taken_image(context, image, flags, result, error);
}

static cl_mem create_image_with_properties(cl_context context, const cl_ulong *properties, cl_bitfield flags,
                                           const cl_image_format *format, const cl_image_desc *description, void *host,
                                           cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem image = next.clCreateImageWithProperties(context, properties, flags, format, description, host, &result);
  return taken_image(context, image, flags, result, error);
}

static cl_mem create_pipe(cl_context context, cl_bitfield flags, cl_uint packet_size, cl_uint packets,
                          const cl_ulong *properties, cl_int *error) {
  cl_int result = CL_SUCCESS;
  cl_mem pipe = next.clCreatePipe(context, flags, packet_size, packets, properties, &result);
  return taken(context, pipe, flags, (double)packet_size * packets, result, error);
}

void hook_memory(struct dispatch *table) {
  if (next.clSetMemObjectDestructorCallback == NULL) return; /* OpenCL 1.0 */
  table->clCreateBuffer = create_buffer;
  if (next.clCreateImage2D != NULL) table->clCreateImage2D = create_image_2d;
  if (next.clCreateImage3D != NULL) table->clCreateImage3D = create_image_3d;
  if (next.clCreateImage != NULL) table->clCreateImage = create_image;
  if (next.clCreatePipe != NULL) table->clCreatePipe = create_pipe;
  if (next.clCreateBufferWithProperties != NULL) table->clCreateBufferWithProperties = create_buffer_with_properties;
  if (next.clCreateImageWithProperties != NULL) table->clCreateImageWithProperties = create_image_with_properties;
}
