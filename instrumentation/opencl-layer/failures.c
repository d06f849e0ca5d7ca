/*
 * Commands that failed and of which nobody is told. A command that waited for one that failed fails as well, and PoCL
 * 3.1 then does not call back. They would count as in flight for ever. So for a second after a failure was seen, the
 * program's own calls are followed by a look at what is still in flight: on the program's thread, which was in the
 * driver anyway.
 */
#include "layer.h"

RING_EXPORT void accelmeter_opencl_look_at_failures(void);

#define LOOK_FOR_NS UINT64_C(1000000000)
#define LOOK_EVERY_NS UINT64_C(5000000)

static _Atomic uint64_t look_until_ns; /* 0 as long as nothing fails */
static _Atomic uint64_t next_look_ns;

void failure_seen(void) {
  uint64_t now_ns = ring_clock_ns();
  atomic_store_explicit(&next_look_ns, now_ns, memory_order_relaxed);
  atomic_store_explicit(&look_until_ns, now_ns + LOOK_FOR_NS, memory_order_release);
}

/* Looks if it is time to; `whole`: the program waited, so what failed has failed by now. */
static void look(bool whole) {
  uint64_t until_ns = atomic_load_explicit(&look_until_ns, memory_order_acquire);
  if (until_ns == 0) return;
  uint64_t now_ns = ring_clock_ns();
  uint64_t due_ns = atomic_load_explicit(&next_look_ns, memory_order_relaxed);
  if (now_ns < due_ns && !whole) return;
  if (!atomic_compare_exchange_strong(&next_look_ns, &due_ns, now_ns + LOOK_EVERY_NS)) return; /* another thread does */
  if (now_ns > until_ns) atomic_compare_exchange_strong(&look_until_ns, &until_ns, 0);
  sweep_failed();
}

void look_after_failure(void) { look(false); }

static cl_int wait_for_events(cl_uint count, const cl_event *events) {
  cl_int result = next.clWaitForEvents(count, events);
  if (!ring_armed()) return result;
  if (result < 0) failure_seen();
  look(true);
  return result;
}

static cl_int finish_queue(cl_command_queue queue) {
  cl_int result = next.clFinish(queue);
  if (ring_armed()) look(true);
  return result;
}

static cl_int set_user_event_status(cl_event event, cl_int status) {
  cl_int result = next.clSetUserEventStatus(event, status);
  if (status < 0 && result == CL_SUCCESS && ring_armed()) {
    failure_seen();
    look(true);
  }
  return result;
}

/* For the end of the process, when its whole account is wanted. */
void accelmeter_opencl_look_at_failures(void) {
  if (ring_armed()) sweep_failed();
}

void hook_failures(struct dispatch *table) {
  table->clWaitForEvents = wait_for_events;
  table->clFinish = finish_queue;
  if (next.clSetUserEventStatus != NULL) table->clSetUserEventStatus = set_user_event_status;
}
