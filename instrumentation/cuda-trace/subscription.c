/* Asks CUPTI for records, and stops asking: for a pause, after faults, at the end. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct settings settings;

static void *subscriber;
static _Atomic uint32_t kinds; /* bit i: wanted[i] is given */
static _Atomic int result;
static _Atomic uint32_t faults;
static _Atomic int state;

enum outcome outcome(void) { return (enum outcome)atomic_load_explicit(&state, memory_order_acquire); }
void set_outcome(enum outcome now) { atomic_store_explicit(&state, (int)now, memory_order_release); }

uint32_t kinds_given(void) { return atomic_load_explicit(&kinds, memory_order_relaxed); }
int last_result(void) { return atomic_load_explicit(&result, memory_order_relaxed); }
uint32_t fault_count(void) { return atomic_load_explicit(&faults, memory_order_relaxed); }

#define MOST_FAULTS 3u
#define FORGOTTEN_NS UINT64_C(600000000000)

/* May be called on any thread, also within a call of CUPTI: switching off is left to the worker. */
void fault(int code, const char *what) {
  static _Atomic uint64_t last_ns;
  if (code != CUPTI_SUCCESS) atomic_store(&result, code);
  uint64_t now_ns = ring_clock_ns();
  if (now_ns - atomic_exchange(&last_ns, now_ns) > FORGOTTEN_NS) atomic_store(&faults, 0);
  if (atomic_fetch_add(&faults, 1) + 1 != MOST_FAULTS) return;
  const char *text = NULL;
  if (code == CUPTI_SUCCESS || cupti.result_string == NULL || cupti.result_string(code, &text) != CUPTI_SUCCESS) {
    text = NULL;
  }
  set_detail("CUPTI gave %s%s%s", what, text != NULL ? ": " : "", text != NULL ? text : "");
  set_outcome(OUTCOME_OFF);
}

static bool says(const char *variable, const char *const words[]) {
  const char *value = getenv(variable);
  for (size_t i = 0; value != NULL && words[i] != NULL; i++) {
    if (strcasecmp(value, words[i]) == 0) return true;
  }
  return false;
}

void read_settings(void) {
  static const char *const on[] = {"on", "1", "true", NULL}, *const off[] = {"off", "0", "false", NULL};
  static const char *const whole[] = {"whole", NULL};
  settings.latency = says("ACCELMETER_CUDA_LATENCY", on);
  settings.whole_graphs = says("ACCELMETER_CUDA_GRAPHS", whole);
  settings.memory = !says("ACCELMETER_CUDA_MEMORY", off);
}

/* In the order of the bits of `kinds`; the first is the one without which there is nothing to see. */
static uint32_t wanted_kinds(uint32_t wanted[6]) {
  uint32_t count = 0;
  wanted[count++] = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
  wanted[count++] = CUPTI_ACTIVITY_KIND_MEMCPY;
  wanted[count++] = CUPTI_ACTIVITY_KIND_MEMSET;
  wanted[count++] = CUPTI_ACTIVITY_KIND_MEMCPY2;
  if (settings.memory) wanted[count++] = CUPTI_ACTIVITY_KIND_MEMORY2;
  /* Without this one CUPTI tells of each kernel of a graph, as of any other; with it of graphs only. */
  if (settings.whole_graphs) wanted[count++] = CUPTI_ACTIVITY_KIND_GRAPH_TRACE;
  return count;
}

void ask_for_records(bool on) {
  uint32_t wanted[6];
  uint32_t count = wanted_kinds(wanted);
  uint32_t given = 0;
  for (uint32_t i = 0; i < count && !process_ends(); i++) {
    int code = (on ? cupti.enable : cupti.disable)(wanted[i]);
    if (code == CUPTI_SUCCESS) given |= 1u << i;
    else if (i == 0) atomic_store(&result, code);
  }
  if (on) atomic_store_explicit(&kinds, given, memory_order_relaxed);
}

/*
 * CUPTI keeps the device's times in buffers of 3 MB, up to 250 in a context, and does not always give back those of
 * CUDA graphs. That would take 800 MB from the program: here it is 100 MB at most, and when they are used up times are
 * missing, which read_records() sees.
 */
static void bound_memory(void) {
  if (cupti.set_attribute == NULL) return;
  size_t limit = 32;
  size_t size = sizeof limit;
  cupti.set_attribute(ATTRIBUTE_DEVICE_BUFFER_POOL_LIMIT, &size, &limit);
  uint8_t zeroed = 1; /* ours are: buffers.c */
  size = sizeof zeroed;
  cupti.set_attribute(ATTRIBUTE_ZEROED_OUT_ACTIVITY_BUFFER, &size, &zeroed);
}

static enum outcome refused(int code) {
  atomic_store(&result, code);
  bool taken = code == CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED || code == CUPTI_ERROR_MAX_LIMIT_REACHED;
  return taken ? OUTCOME_SUBSCRIBED : OUTCOME_REFUSED;
}

/*
 * Subscribes first: that is how CUPTI tells of another profiler. Without it both would register their buffers, and the
 * later would silently have the records of the earlier.
 */
enum outcome subscribe(void) {
  if (process_ends()) return OUTCOME_ENDED;
  int code = cupti.subscribe(&subscriber, called_back, NULL);
  end_before_cupti();
  if (process_ends()) return OUTCOME_ENDED;
  if (code != CUPTI_SUCCESS) return refused(code);
  bound_memory();
  if (settings.latency && cupti.latency_timestamps != NULL) cupti.latency_timestamps(1);
  code = cupti.register_callbacks(buffer_requested, buffer_completed);
  if (process_ends()) return OUTCOME_ENDED;
  if (code == CUPTI_SUCCESS) {
    ask_for_records(true);
    if ((kinds_given() & 1u) != 0) {
      watch_failures(subscriber);
      return OUTCOME_TRACING;
    }
    if (process_ends()) return OUTCOME_ENDED;
    code = last_result();
    ask_for_records(false);
  }
  cupti.unsubscribe(subscriber);
  return refused(code);
}
