/*
 * Follows one command from its enqueue to its end: an event, a callback when it completes, a record.
 *
 * Device clocks differ from the host's, and no two drivers agree on how. So a record's start is the host's time of the
 * enqueue plus the device's own START - QUEUED: no calibration, and an error of no more than the enqueue itself took.
 */
#include "layer.h"

#include <math.h>
#include <stdlib.h>

/* A command on its way. Most come from `pool`, which is touched only as it is used. */
struct pending {
  struct ring_record record;
  uint64_t enqueued_ns;
  _Atomic uint32_t below; /* in the free list: the one under it, as in `free_list` */
};

#define POOL 4096u
#define MOST_ON_HEAP 61440u /* with the pool, as many commands in flight as the ring has slots; more are untraced */
static struct pending pool[POOL];
/* High half: changed at every pop, against ABA. Low half: 1 + index in the pool of the topmost free one, 0 for none. */
static _Atomic uint64_t free_list;
static _Atomic uint32_t never_used;
static _Atomic uint32_t on_heap;

static struct pending *take_pending(void) {
  uint64_t top = atomic_load_explicit(&free_list, memory_order_acquire);
  while ((uint32_t)top != 0) {
    struct pending *pending = &pool[(uint32_t)top - 1];
    uint64_t rest = ((top >> 32) + 1) << 32 | atomic_load_explicit(&pending->below, memory_order_relaxed);
    if (atomic_compare_exchange_weak_explicit(&free_list, &top, rest, memory_order_acquire, memory_order_acquire)) {
      return pending;
    }
  }
  if (atomic_load_explicit(&never_used, memory_order_relaxed) < POOL) {
    uint32_t index = atomic_fetch_add_explicit(&never_used, 1, memory_order_relaxed);
    if (index < POOL) return &pool[index];
  }
  if (atomic_fetch_add_explicit(&on_heap, 1, memory_order_relaxed) < MOST_ON_HEAP) {
    struct pending *pending = malloc(sizeof *pending);
    if (pending != NULL) return pending;
  }
  atomic_fetch_sub_explicit(&on_heap, 1, memory_order_relaxed);
  return NULL;
}

static void give_back(struct pending *pending) {
  if (pending < pool || pending >= pool + POOL) {
    free(pending);
    atomic_fetch_sub_explicit(&on_heap, 1, memory_order_relaxed);
    return;
  }
  uint64_t top = atomic_load_explicit(&free_list, memory_order_relaxed);
  uint64_t mine;
  do {
    atomic_store_explicit(&pending->below, (uint32_t)top, memory_order_relaxed);
    mine = (top & ~(uint64_t)UINT32_MAX) | (uint32_t)(pending - pool + 1);
  } while (!atomic_compare_exchange_weak_explicit(&free_list, &top, mine, memory_order_release, memory_order_relaxed));
}

static bool read_time(cl_event event, cl_uint which, cl_ulong *ns) {
  *ns = 0;
  return next.clGetEventProfilingInfo(event, which, sizeof *ns, ns, NULL) == CL_SUCCESS;
}

/* Completes a record from the times that the driver tells. False where they cannot be true. */
static bool fill_times(struct ring_record *record, cl_event event, uint64_t enqueued_ns) {
  cl_ulong queued, start, end;
  if (!read_time(event, CL_PROFILING_COMMAND_START, &start) || !read_time(event, CL_PROFILING_COMMAND_END, &end)) {
    return false;
  }
  if (start == 0 || end < start) return false;
  /* Nothing can have taken longer than it has been known; clocks that run apart, or ticks that the driver took for
   * nanoseconds, show here. The margin is for clocks that are merely coarse. */
  uint64_t now_ns = ring_clock_ns();
  uint64_t plausible_ns = 2 * (now_ns - enqueued_ns) + 1000000000u;
  if (end - start > plausible_ns) return false;
  record->duration = (double)(end - start) / 1e9;

  bool waited = read_time(event, CL_PROFILING_COMMAND_QUEUED, &queued) && queued != 0 && queued <= start &&
                start - queued <= plausible_ns;
  record->wait = waited ? (double)(start - queued) / 1e9 : NAN;
  record->start = waited ? ring_seconds(enqueued_ns + (start - queued)) : ring_seconds(now_ns) - record->duration;
  return true;
}

static void push_failure(struct ring_record *record, cl_int error, uint64_t enqueued_ns) {
  record->error = error;
  record->start = ring_seconds(enqueued_ns);
  record->duration = 0;
  record->wait = NAN;
  ring_push(record);
}

/* On a thread of the driver, or on the program's own where the command was over before we asked to be told. */
static void completed(cl_event event, cl_int status, void *data) {
  struct pending *pending = data;
  if (status < 0) {
    push_failure(&pending->record, status, pending->enqueued_ns);
  } else if (fill_times(&pending->record, event, pending->enqueued_ns)) {
    ring_push(&pending->record);
  } else {
    ring_count_invalid();
  }
  give_back(pending);
  ring_ended();
  next.clReleaseEvent(event);
}

/* Owns one reference of the event, which the callback gives back. */
static void follow(const struct tracking *tracking) {
  struct pending *pending = take_pending();
  if (pending != NULL) {
    pending->record = tracking->record;
    pending->enqueued_ns = tracking->enqueued_ns;
    ring_begun();
    if (next.clSetEventCallback(tracking->event, CL_COMPLETE, completed, pending) == CL_SUCCESS) return;
    ring_ended();
    give_back(pending);
  }
  ring_count_untraced();
  next.clReleaseEvent(tracking->event);
}

void track(struct tracking *tracking, cl_command_queue queue, enum ring_kind kind, double amount, cl_event *asked) {
  struct queue_facts facts;
  tracking->asked = asked;
  tracking->on = ring_recording() && find_queue(queue, &facts);
  if (!tracking->on) {
    tracking->out = asked;
    return;
  }
  /* Never the program's own variable: it may stand in the wait list of the same call. */
  tracking->out = &tracking->event;
  tracking->event = NULL;
  tracking->record = (struct ring_record){
      .kind = (uint32_t)kind, .device = facts.device, .queue = facts.number, .amount = amount};
  tracking->enqueued_ns = ring_clock_ns();
}

cl_int tracked(struct tracking *tracking, cl_int result) {
  if (!tracking->on) {
    if (result == CL_SUCCESS && ring_recording()) ring_count_untraced();
    return result;
  }
  if (result != CL_SUCCESS) push_failure(&tracking->record, result, tracking->enqueued_ns);
  if (tracking->event == NULL) {
    if (result == CL_SUCCESS) ring_count_untraced();
    return result;
  }
  bool ours = tracking->asked == NULL;
  if (!ours) *tracking->asked = tracking->event;
  if (result != CL_SUCCESS) {
    if (ours) next.clReleaseEvent(tracking->event);
  } else if (ours || next.clRetainEvent(tracking->event) == CL_SUCCESS) {
    follow(tracking);
  } else {
    ring_count_untraced();
  }
  return result;
}
