/*
 * The OpenCL layer between threads that enqueue and a driver made for it, for sanitizers: nothing here is a real
 * device. The driver's threads end commands in any order: most call back, some before clSetEventCallback has returned;
 * some fail, and of these some are never told of, or told of late; some callbacks are refused. Every event is freed
 * with its last reference, and used after that nowhere. The program is a process of its own, which ends with 0 where
 * each command was recorded once, and all events are gone.
 */
#include "../../instrumentation/opencl-layer/layer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAMS 4
#define DRIVERS 3
#define EACH 20000

extern cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                          const struct dispatch **layer_ret);
extern void accelmeter_opencl_look_at_failures(void);

enum fate { WELL, AT_ONCE, FAILS, FAILS_UNTOLD, FAILS_TOLD_LATE, REFUSES_CALLBACK, FATES };

struct event {
  _Atomic int references;
  _Atomic int status;
  enum fate fate;
  void (*notify)(cl_event, cl_int, void *);
  void *data;
  struct event *after;
};

static _Atomic long alive;
static _Atomic long expected_failures;
static _Atomic bool over;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct event *waiting;
static int queue_memory, device_memory, kernel_memory;
static const struct dispatch *layer;

static struct event *of(cl_event event) { return (struct event *)(void *)event; }
static cl_event to(struct event *event) { return (cl_event)(void *)event; }

static cl_int retain_event(cl_event event) {
  atomic_fetch_add(&of(event)->references, 1);
  return CL_SUCCESS;
}

static cl_int release_event(cl_event event) {
  if (atomic_fetch_sub(&of(event)->references, 1) == 1) {
    free(of(event));
    atomic_fetch_sub(&alive, 1);
  }
  return CL_SUCCESS;
}

static cl_int enqueue(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                      const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait_list,
                      cl_event *out) {
  (void)queue, (void)kernel, (void)dimensions, (void)offset, (void)global, (void)local, (void)waits, (void)wait_list;
  static _Atomic unsigned number;
  struct event *event = calloc(1, sizeof *event);
  event->fate = (enum fate)(atomic_fetch_add(&number, 1) * 7 % 11 % FATES);
  atomic_store(&event->references, 1);
  atomic_store(&event->status, 3);
  atomic_fetch_add(&alive, 1);
  bool fails = event->fate == FAILS || event->fate == FAILS_UNTOLD || event->fate == FAILS_TOLD_LATE;
  if (fails) atomic_fetch_add(&expected_failures, 1);
  *out = to(event);
  return CL_SUCCESS;
}

static cl_int set_callback(cl_event handle, cl_int type, void (*notify)(cl_event, cl_int, void *), void *data) {
  (void)type;
  struct event *event = of(handle);
  if (event->fate == REFUSES_CALLBACK) return -6;
  event->notify = notify;
  event->data = data;
  if (event->fate == AT_ONCE) {
    atomic_store(&event->status, CL_COMPLETE);
    notify(handle, CL_COMPLETE, data);
    return CL_SUCCESS;
  }
  atomic_fetch_add(&event->references, 1); /* the driver's own */
  pthread_mutex_lock(&lock);
  event->after = waiting;
  waiting = event;
  pthread_mutex_unlock(&lock);
  return CL_SUCCESS;
}

static void end(struct event *event) {
  bool fails = event->fate != WELL;
  atomic_store(&event->status, fails ? -5 : CL_COMPLETE);
  if (event->fate == FAILS_TOLD_LATE) usleep(50);
  if (event->fate != FAILS_UNTOLD) event->notify(to(event), fails ? -5 : CL_COMPLETE, event->data);
  release_event(to(event));
}

static void *drive(void *data) {
  (void)data;
  for (;;) {
    bool last = atomic_load(&over);
    pthread_mutex_lock(&lock);
    struct event *event = waiting;
    if (event != NULL) waiting = event->after;
    pthread_mutex_unlock(&lock);
    if (event != NULL) end(event);
    else if (last) return NULL;
  }
}

static cl_int event_info(cl_event event, cl_uint name, size_t size, void *value, size_t *size_ret) {
  (void)size_ret;
  if (name != CL_EVENT_COMMAND_EXECUTION_STATUS || size != sizeof(cl_int)) return CL_INVALID_VALUE;
  *(cl_int *)value = atomic_load(&of(event)->status);
  return CL_SUCCESS;
}

static cl_int profiling_info(cl_event event, cl_uint name, size_t size, void *value, size_t *size_ret) {
  (void)size, (void)size_ret;
  if (atomic_load(&of(event)->status) != CL_COMPLETE) return CL_PROFILING_INFO_NOT_AVAILABLE;
  *(cl_ulong *)value = name == CL_PROFILING_COMMAND_END ? 2000 : 1000;
  return CL_SUCCESS;
}

static cl_int device_info(cl_device_id device, cl_uint name, size_t size, void *value, size_t *size_ret) {
  (void)device, (void)name, (void)size, (void)value, (void)size_ret;
  return CL_INVALID_VALUE;
}

static cl_int kernel_info(cl_kernel kernel, cl_uint name, size_t size, void *value, size_t *size_ret) {
  (void)kernel, (void)name;
  if (value != NULL && size >= 2) memcpy(value, "k", 2);
  if (size_ret != NULL) *size_ret = 2;
  return CL_SUCCESS;
}

static cl_command_queue create_queue(cl_context context, cl_device_id device, cl_bitfield properties, cl_int *error) {
  (void)context, (void)device, (void)properties;
  if (error != NULL) *error = CL_SUCCESS;
  return (cl_command_queue)(void *)&queue_memory;
}

static cl_int finish_queue(cl_command_queue queue) {
  (void)queue;
  return CL_SUCCESS;
}

static void *enqueue_many(void *data) {
  cl_command_queue queue = data;
  size_t items = 1;
  for (int i = 0; i < EACH; i++) {
    cl_event event = NULL;
    layer->clEnqueueNDRangeKernel(queue, (cl_kernel)(void *)&kernel_memory, 1, NULL, &items, NULL, 0, NULL,
                                  i % 2 ? &event : NULL);
    if (event != NULL) layer->clReleaseEvent(event);
    if (i % 1000 == 0) layer->clFinish(queue);
  }
  return NULL;
}

static struct ring_record records[512];
static long drained, failures;

static void drain(void) {
  uint32_t moved;
  while ((moved = accelmeter_ring_drain(records, 512)) > 0) {
    drained += moved;
    for (uint32_t i = 0; i < moved; i++) failures += records[i].error != 0;
  }
}

int main(void) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", getpid());
  setenv("ACCELMETER_PID", pid, 1);
  static struct dispatch driver = {
      .clGetDeviceInfo = device_info,
      .clCreateCommandQueue = create_queue,
      .clGetKernelInfo = kernel_info,
      .clGetEventInfo = event_info,
      .clRetainEvent = retain_event,
      .clReleaseEvent = release_event,
      .clGetEventProfilingInfo = profiling_info,
      .clSetEventCallback = set_callback,
      .clEnqueueNDRangeKernel = enqueue,
      .clFinish = finish_queue,
  };
  cl_uint entries = sizeof driver / sizeof(void *), given;
  if (clInitLayer(entries, &driver, &given, &layer) != CL_SUCCESS) return 2;
  cl_command_queue queue = layer->clCreateCommandQueue(NULL, (cl_device_id)(void *)&device_memory, 0, NULL);

  pthread_t programs[PROGRAMS], drivers[DRIVERS];
  for (int i = 0; i < DRIVERS; i++) pthread_create(&drivers[i], NULL, drive, NULL);
  for (int i = 0; i < PROGRAMS; i++) pthread_create(&programs[i], NULL, enqueue_many, queue);
  for (int i = 0; i < 200; i++) {
    drain();
    accelmeter_opencl_look_at_failures();
    usleep(1000);
  }
  for (int i = 0; i < PROGRAMS; i++) pthread_join(programs[i], NULL);
  atomic_store(&over, true);
  for (int i = 0; i < DRIVERS; i++) pthread_join(drivers[i], NULL);
  accelmeter_opencl_look_at_failures();
  drain();

  struct ring_status status;
  accelmeter_ring_status(&status);
  long commands = (long)PROGRAMS * EACH;
  printf("%ld commands, %ld recorded, %.0f dropped, %.0f untraced, %.0f invalid, %.0f in flight, %ld events left, ",
         commands, drained, status.dropped, status.untraced, status.invalid, status.in_flight, atomic_load(&alive));
  printf("%ld of %ld failures\n", failures, atomic_load(&expected_failures));
  bool all = drained + (long)(status.dropped + status.untraced) == commands && status.invalid == 0;
  bool failed = status.dropped > 0 || failures == atomic_load(&expected_failures);
  return all && failed && status.in_flight == 0 && atomic_load(&alive) == 0 ? 0 : 1;
}
