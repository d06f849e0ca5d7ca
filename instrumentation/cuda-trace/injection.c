/* The entrance: what CUDA calls in a library that is named in CUDA_INJECTION64_PATH, and what JavaScript calls. */
#include "trace.h"

RING_EXPORT int InitializeInjection(void);
RING_EXPORT uint32_t accelmeter_cuda_attach(void);

static atomic_flag begun = ATOMIC_FLAG_INIT;

/* On the thread of who starts us: trace.h says why. */
static void read_environment(void) {
  read_settings();
  read_places();
}

bool set_up(void) {
  set_outcome(OUTCOME_STARTING);
  if (!enter_cupti()) return false;
  enum outcome found = open_cupti();
  end_before_cupti();
  if (found == OUTCOME_TRACING) {
    ring_arm(); /* before CUPTI can call back */
    found = subscribe();
    if (found == OUTCOME_TRACING) compare_clocks();
  }
  set_outcome(found);
  leave_cupti();
  return found == OUTCOME_TRACING;
}

/*
 * Called by CUDA within cuInit(), before it has created anything; again where a first cuInit() failed. 1: all is well,
 * also where we do nothing, which is nobody's fault.
 */
int InitializeInjection(void) {
  if (atomic_flag_test_and_set(&begun)) return 1;
  if (!ring_meant_for_this_process()) {
    set_outcome(OUTCOME_INERT);
    ring_mark_inert();
  } else {
    read_environment();
    if (set_up() && !start_worker(false)) {
      ask_for_records(false);
      set_outcome(OUTCOME_REFUSED);
    }
  }
  return 1;
}

/*
 * For a process in which CUDA is there already, and has not loaded us: what it begins from now on is followed. On a
 * thread of ours, since a driver may hang; 0 where that cannot be started. Without effect where tracing has begun.
 */
uint32_t accelmeter_cuda_attach(void) {
  if (atomic_flag_test_and_set(&begun)) return 1;
  read_environment();
  set_outcome(OUTCOME_STARTING);
  if (start_worker(true)) return 1;
  set_outcome(OUTCOME_REFUSED);
  return 0;
}
