/*
 * Follows one command from its enqueue to its end: an event, a callback when it completes, a record.
 *
 * Device clocks differ from the host's, and no two drivers agree on how. So a record's start is the host's time of the
 * enqueue plus the device's own START - QUEUED: no calibration, and an error of no more than the enqueue itself took.
 */
#include "layer.h"

#include <math.h>

/*
 * A command on its way, in a slot of a pool that is touched only as it is used. A driver's callback gets the slot's
 * number and generation, never its address: one that comes late, or never, finds that its generation is over.
 */
struct pending {
  struct ring_record record;
  uint64_t enqueued_ns;
  cl_event event;         /* one reference is ours from follow() to finish() */
  _Atomic uint64_t state; /* generation << PHASE_BITS | phase */
  _Atomic uint32_t below; /* in the free list: the one under it, as in `free_list` */
};

enum phase {
  PHASE_OVER,      /* free, or about to be */
  PHASE_ASKING,    /* the driver is being asked to call back, and may do so already */
  PHASE_FOLLOWED,
  PHASE_EXAMINED,  /* sweep_failed() looks at the event; a callback leaves the rest to it */
  PHASE_TOLD,      /* the callback came meanwhile */
};
#define PHASE_BITS 3
#define PHASE(state) ((enum phase)((state) & ((1u << PHASE_BITS) - 1)))

/* As many commands in flight as the ring has slots; more are untraced. */
#define POOL_BITS 16
#define POOL (1u << POOL_BITS)
static struct pending pool[POOL];
/* High half: changed at every pop, against ABA. Low half: 1 + index in the pool of the topmost free one, 0 for none. */
static _Atomic uint64_t free_list;
static _Atomic uint32_t never_used;

static struct pending *take_pending(void) {
  uint64_t top = atomic_load_explicit(&free_list, memory_order_acquire);
  while ((uint32_t)top != 0) {
    struct pending *pending = &pool[(uint32_t)top - 1];
    uint64_t rest = ((top >> 32) + 1) << 32 | atomic_load_explicit(&pending->below, memory_order_relaxed);
    if (atomic_compare_exchange_weak_explicit(&free_list, &top, rest, memory_order_acquire, memory_order_acquire)) {
      return pending;
    }
  }
  if (atomic_load_explicit(&never_used, memory_order_relaxed) >= POOL) return NULL;
  uint32_t index = atomic_fetch_add_explicit(&never_used, 1, memory_order_relaxed);
  return index < POOL ? &pool[index] : NULL;
}

static void give_back(struct pending *pending) {
  uint64_t top = atomic_load_explicit(&free_list, memory_order_relaxed);
  uint64_t mine;
  do {
    atomic_store_explicit(&pending->below, (uint32_t)top, memory_order_relaxed);
    mine = (top & ~(uint64_t)UINT32_MAX) | (uint32_t)(pending - pool + 1);
  } while (!atomic_compare_exchange_weak_explicit(&free_list, &top, mine, memory_order_release, memory_order_relaxed));
}

/* Moves a slot from one phase to another, if it is still in that one. */
static bool step(struct pending *pending, uint64_t from, enum phase to) {
  uint64_t state = from;
  return atomic_compare_exchange_strong(&pending->state, &state, from - PHASE(from) + to);
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

/* Records how a command ended, and gives its slot and its event back. The slot is the caller's alone. */
static void finish(struct pending *pending, cl_int status) {
  struct ring_record record = pending->record;
  cl_event event = pending->event;
  if (status < 0) {
    failure_seen();
    push_failure(&record, status, pending->enqueued_ns);
  } else if (fill_times(&record, event, pending->enqueued_ns)) {
    ring_push(&record);
  } else {
    ring_count_invalid();
  }
  give_back(pending);
  ring_ended(record.device);
  next.clReleaseEvent(event);
}

/* On a thread of the driver, or on the program's own where the command was over before we asked to be told. */
static void completed(cl_event event, cl_int status, void *data) {
  (void)event;
  uint64_t ticket = (uint64_t)(uintptr_t)data;
  struct pending *pending = &pool[ticket & (POOL - 1)];
  uint64_t state = atomic_load(&pending->state);
  for (;;) {
    if (state >> PHASE_BITS != ticket >> POOL_BITS || PHASE(state) == PHASE_OVER) return; /* finished by the sweep */
    bool examined = PHASE(state) == PHASE_EXAMINED;
    uint64_t after = state - PHASE(state) + (examined ? PHASE_TOLD : PHASE_OVER);
    if (!atomic_compare_exchange_weak(&pending->state, &state, after)) continue;
    if (!examined) finish(pending, status);
    return;
  }
}

/* Owns one reference of the event, which finish() gives back. */
static void follow(const struct tracking *tracking) {
  struct pending *pending = take_pending();
  if (pending != NULL) {
    pending->record = tracking->record;
    pending->enqueued_ns = tracking->enqueued_ns;
    pending->event = tracking->event;
    uint64_t generation = (atomic_load_explicit(&pending->state, memory_order_relaxed) >> PHASE_BITS) + 1;
    generation &= UINT64_MAX >> POOL_BITS; /* it must fit into a pointer, beside the slot's number */
    uint64_t state = generation << PHASE_BITS | PHASE_ASKING;
    atomic_store(&pending->state, state);
    ring_begun(tracking->record.device);
    void *ticket = (void *)(uintptr_t)(generation << POOL_BITS | (uint64_t)(pending - pool));
    cl_int result = next.clSetEventCallback(tracking->event, CL_COMPLETE, completed, ticket);
    if (result == CL_SUCCESS) {
      step(pending, state, PHASE_FOLLOWED); /* unless it has been called back already */
      return;
    }
    if (!step(pending, state, PHASE_OVER)) return; /* refused, and called all the same */
    give_back(pending);
    ring_ended(tracking->record.device);
  }
  ring_count_untraced();
  next.clReleaseEvent(tracking->event);
}

static cl_int status_of(cl_event event) {
  cl_int status = CL_COMPLETE;
  cl_int result = next.clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
  return result == CL_SUCCESS ? status : CL_COMPLETE;
}

static void examine(struct pending *pending) {
  uint64_t state = atomic_load(&pending->state);
  if (PHASE(state) != PHASE_FOLLOWED || !step(pending, state, PHASE_EXAMINED)) return;
  uint64_t examined = state - PHASE_FOLLOWED + PHASE_EXAMINED;
  cl_int status = status_of(pending->event);
  if (status >= 0 && step(pending, examined, PHASE_FOLLOWED)) return; /* its callback will come */
  if (status >= 0) status = status_of(pending->event);                /* it has come meanwhile */
  atomic_store(&pending->state, examined - PHASE_EXAMINED + PHASE_OVER);
  finish(pending, status);
}

void sweep_failed(void) {
  uint32_t used = atomic_load_explicit(&never_used, memory_order_relaxed);
  for (uint32_t i = 0; i < used && i < POOL; i++) examine(&pool[i]);
}

void track(struct tracking *tracking, cl_command_queue queue, enum ring_kind kind, double amount, cl_event *asked) {
  struct queue_facts facts;
  tracking->asked = asked;
  bool recording = ring_recording();
  tracking->on = recording && find_queue(queue, &facts);
  tracking->missed = recording && !tracking->on;
  if (!tracking->on) {
    tracking->out = asked;
    return;
  }
  look_after_failure();
  /* Never the program's own variable: it may stand in the wait list of the same call. */
  tracking->out = &tracking->event;
  tracking->event = NULL;
  tracking->record = (struct ring_record){
      .kind = (uint32_t)kind, .device = facts.device, .queue = facts.number, .amount = amount};
  tracking->enqueued_ns = ring_clock_ns();
}

void track_move(struct tracking *tracking, cl_command_queue queue, enum ring_kind kind, double amount,
                cl_event *asked) {
  struct queue_facts facts;
  if (find_queue(queue, &facts) && device_is_unified(facts.device)) track_nothing(tracking, asked);
  else track(tracking, queue, kind, amount, asked);
}

void track_nothing(struct tracking *tracking, cl_event *asked) {
  tracking->on = false;
  tracking->missed = false;
  tracking->asked = asked;
  tracking->out = asked;
}

cl_int tracked(struct tracking *tracking, cl_int result) {
  if (!tracking->on) {
    if (tracking->missed && result == CL_SUCCESS) ring_count_untraced();
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
