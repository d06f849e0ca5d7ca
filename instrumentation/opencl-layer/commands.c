/*
 * The calls that enqueue kernels and copies of buffers. Each hook says what kind of command it is and how much it
 * moves; tracking.c does the rest. A fill counts as what a device copies within its memory: it is written by the
 * device, and nothing comes from the host.
 */
#include "layer.h"

static cl_int nd_range_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait_list,
                              cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_KERNEL, volume(global, dimensions), event);
  cl_int result =
      next.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, waits, wait_list, t.out);
  if (t.on) t.record.name = kernel_name(kernel, result == CL_SUCCESS);
  return tracked(&t, result);
}

static cl_int task(cl_command_queue queue, cl_kernel kernel, cl_uint waits, const cl_event *wait_list,
                   cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_KERNEL, 1, event);
  cl_int result = next.clEnqueueTask(queue, kernel, waits, wait_list, t.out);
  if (t.on) t.record.name = kernel_name(kernel, result == CL_SUCCESS);
  return tracked(&t, result);
}

static cl_int read_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                          void *host, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_HOST, (double)size, event);
  return tracked(&t, next.clEnqueueReadBuffer(queue, buffer, blocking, offset, size, host, waits, wait_list, t.out));
}

static cl_int write_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                           const void *host, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_HOST_TO_DEVICE, (double)size, event);
  return tracked(&t, next.clEnqueueWriteBuffer(queue, buffer, blocking, offset, size, host, waits, wait_list, t.out));
}

static cl_int copy_buffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
                          size_t size, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_DEVICE, (double)size, event);
  return tracked(
      &t, next.clEnqueueCopyBuffer(queue, from, to, from_offset, to_offset, size, waits, wait_list, t.out));
}

static cl_int read_buffer_rect(cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
                               const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
                               size_t host_row, size_t host_slice, void *host, cl_uint waits,
                               const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_HOST, volume(region, 3), event);
  return tracked(&t, next.clEnqueueReadBufferRect(queue, buffer, blocking, buffer_origin, host_origin, region,
                                                  buffer_row, buffer_slice, host_row, host_slice, host, waits,
                                                  wait_list, t.out));
}

static cl_int write_buffer_rect(cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
                                const size_t *host_origin, const size_t *region, size_t buffer_row,
                                size_t buffer_slice, size_t host_row, size_t host_slice, const void *host,
                                cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_HOST_TO_DEVICE, volume(region, 3), event);
  return tracked(&t, next.clEnqueueWriteBufferRect(queue, buffer, blocking, buffer_origin, host_origin, region,
                                                   buffer_row, buffer_slice, host_row, host_slice, host, waits,
                                                   wait_list, t.out));
}

static cl_int copy_buffer_rect(cl_command_queue queue, cl_mem from, cl_mem to, const size_t *from_origin,
                               const size_t *to_origin, const size_t *region, size_t from_row, size_t from_slice,
                               size_t to_row, size_t to_slice, cl_uint waits, const cl_event *wait_list,
                               cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_DEVICE_TO_DEVICE, volume(region, 3), event);
  return tracked(&t, next.clEnqueueCopyBufferRect(queue, from, to, from_origin, to_origin, region, from_row,
                                                  from_slice, to_row, to_slice, waits, wait_list, t.out));
}

static cl_int fill_buffer(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size, size_t offset,
                          size_t size, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_FILL, (double)size, event);
  return tracked(
      &t, next.clEnqueueFillBuffer(queue, buffer, pattern, pattern_size, offset, size, waits, wait_list, t.out));
}

void hook_commands(struct dispatch *table) {
  table->clEnqueueNDRangeKernel = nd_range_kernel;
  table->clEnqueueTask = task;
  table->clEnqueueReadBuffer = read_buffer;
  table->clEnqueueWriteBuffer = write_buffer;
  table->clEnqueueCopyBuffer = copy_buffer;
  if (next.clEnqueueReadBufferRect != NULL) table->clEnqueueReadBufferRect = read_buffer_rect;
  if (next.clEnqueueWriteBufferRect != NULL) table->clEnqueueWriteBufferRect = write_buffer_rect;
  if (next.clEnqueueCopyBufferRect != NULL) table->clEnqueueCopyBufferRect = copy_buffer_rect;
  if (next.clEnqueueFillBuffer != NULL) table->clEnqueueFillBuffer = fill_buffer;
}
