/* The calls that enqueue copies and fills of images. Bytes are pixels of the region times the image's element size. */
#include "layer.h"

double image_bytes(cl_mem image, const size_t *region) {
  size_t element = 0;
  if (next.clGetImageInfo(image, CL_IMAGE_ELEMENT_SIZE, sizeof element, &element, NULL) != CL_SUCCESS) return 0;
  return volume(region, 3) * (double)element;
}

static cl_int measured(struct tracking *t, cl_int result, cl_mem image, const size_t *region) {
  if (t->on && result == CL_SUCCESS) t->record.amount = image_bytes(image, region);
  return tracked(t, result);
}

static cl_int read_image(cl_command_queue queue, cl_mem image, cl_bool blocking, const size_t *origin,
                         const size_t *region, size_t row, size_t slice, void *host, cl_uint waits,
                         const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_HOST, 0, event);
  cl_int result =
      next.clEnqueueReadImage(queue, image, blocking, origin, region, row, slice, host, waits, wait_list, t.out);
  return measured(&t, result, image, region);
}

static cl_int write_image(cl_command_queue queue, cl_mem image, cl_bool blocking, const size_t *origin,
                          const size_t *region, size_t row, size_t slice, const void *host, cl_uint waits,
                          const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_HOST_TO_DEVICE, 0, event);
  cl_int result =
      next.clEnqueueWriteImage(queue, image, blocking, origin, region, row, slice, host, waits, wait_list, t.out);
  return measured(&t, result, image, region);
}

static cl_int copy_image(cl_command_queue queue, cl_mem from, cl_mem to, const size_t *from_origin,
                         const size_t *to_origin, const size_t *region, cl_uint waits, const cl_event *wait_list,
                         cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_DEVICE, 0, event);
  cl_int result = next.clEnqueueCopyImage(queue, from, to, from_origin, to_origin, region, waits, wait_list, t.out);
  return measured(&t, result, from, region);
}

static cl_int copy_image_to_buffer(cl_command_queue queue, cl_mem image, cl_mem buffer, const size_t *origin,
                                   const size_t *region, size_t offset, cl_uint waits, const cl_event *wait_list,
                                   cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_DEVICE, 0, event);
  cl_int result =
      next.clEnqueueCopyImageToBuffer(queue, image, buffer, origin, region, offset, waits, wait_list, t.out);
  return measured(&t, result, image, region);
}

static cl_int copy_buffer_to_image(cl_command_queue queue, cl_mem buffer, cl_mem image, size_t offset,
                                   const size_t *origin, const size_t *region, cl_uint waits,
                                   const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_DEVICE, 0, event);
  cl_int result =
      next.clEnqueueCopyBufferToImage(queue, buffer, image, offset, origin, region, waits, wait_list, t.out);
  return measured(&t, result, image, region);
}

static cl_int fill_image(cl_command_queue queue, cl_mem image, const void *colour, const size_t *origin,
                         const size_t *region, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_FILL, 0, event);
  cl_int result = next.clEnqueueFillImage(queue, image, colour, origin, region, waits, wait_list, t.out);
  return measured(&t, result, image, region);
}

void hook_images(struct dispatch *table) {
  table->clEnqueueReadImage = read_image;
  table->clEnqueueWriteImage = write_image;
  table->clEnqueueCopyImage = copy_image;
  table->clEnqueueCopyImageToBuffer = copy_image_to_buffer;
  table->clEnqueueCopyBufferToImage = copy_buffer_to_image;
  if (next.clEnqueueFillImage != NULL) table->clEnqueueFillImage = fill_image;
}
