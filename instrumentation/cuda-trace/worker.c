/*
 * The thread that does all the work: in each round it asks CUPTI for what is finished, reads the buffers that were given
 * back, and makes them free. CUPTI gives full buffers back by itself; those that are not full only when it is asked to,
 * which its documentation says to do at intervals, in a thread of one's own. That thread is here, so neither the
 * program's threads nor JavaScript's wait for it.
 */
#include "trace.h"
#include "old-glibc.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

OLD_GLIBC(pthread_create);
OLD_GLIBC(pthread_detach);
OLD_GLIBC(pthread_sigmask);

RING_EXPORT void accelmeter_cuda_pause(uint32_t paused);
RING_EXPORT double accelmeter_cuda_request_flush(void);
RING_EXPORT uint32_t accelmeter_cuda_flushed_since(double request);
RING_EXPORT void accelmeter_cuda_status(double out[9]);
RING_EXPORT void accelmeter_cuda_end_set_up(void);

#define BUSY_NAP_MS 50  /* between rounds while there is work: well within what the ring and the buffers hold */
#define IDLE_NAP_MS 200 /* after a second without any */

static _Atomic bool running, ending, in_cupti;
static _Atomic uint32_t bell; /* counts who rang */
static _Atomic uint64_t rounds_asked, rounds_done;
static _Atomic uint64_t round_begun_ns; /* of the round that is under way, 0 between rounds */
static _Atomic uint64_t cupti_dropped;

static struct timespec of_ms(long milliseconds) {
  return (struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000};
}

/* Rests until somebody rings, who may have done so since `heard` was read. */
static void rest(uint32_t heard, long milliseconds) {
  struct timespec time = of_ms(milliseconds);
  syscall(SYS_futex, &bell, FUTEX_WAIT_PRIVATE, heard, &time, NULL, 0);
}

static void ring_bell(void) {
  atomic_fetch_add(&bell, 1);
  syscall(SYS_futex, &bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* A third of the kernels of a round without times, and that many: CUPTI has run out of room for them. */
#define TOO_MANY_TIMELESS 1000u

static void judge_times(void) {
  static uint64_t timeless, kernels;
  uint64_t more_timeless, more_kernels;
  take_timeless(&more_timeless, &more_kernels);
  timeless += more_timeless;
  kernels += more_kernels;
  if (kernels < 3 * TOO_MANY_TIMELESS) return;
  if (timeless > kernels / 3) {
    /* Off and on again frees what can be freed. */
    fault(CUPTI_SUCCESS, "no times of kernels (CUDA graphs can use up its memory; ACCELMETER_CUDA_GRAPHS=whole helps)");
    ask_for_records(false);
    if (outcome() == OUTCOME_TRACING && ring_recording()) ask_for_records(true);
  }
  timeless = kernels = 0;
}

static void count_dropped(void) {
  size_t dropped = 0;
  if (cupti.dropped(NULL, 0, &dropped) == CUPTI_SUCCESS && dropped > 0) atomic_fetch_add(&cupti_dropped, dropped);
}

/* In a pause CUPTI is not asked for anything, so that the program runs as if we were not here. */
static void follow_pause(void) {
  static bool asked = true;
  bool wanted = ring_recording();
  if (wanted == asked || outcome() != OUTCOME_TRACING) return;
  ask_for_records(wanted);
  asked = wanted;
}

/*
 * CUDA registers handlers of exit() of its own after it has loaded us. Until it is known to be started, which the first
 * buffer tells, CUPTI has nothing to say, and is not asked: see end_before_cupti().
 */
static bool cuda_runs(void) {
  static bool yes;
  if (!yes) yes = buffers_lent() > 0;
  return yes;
}

/* False where there was nothing. */
static bool round_of_work(void) {
  if (!cuda_runs()) return false;
  atomic_store(&round_begun_ns, ring_clock_ns());
  uint64_t before = records_read();
  if (outcome() == OUTCOME_TRACING) {
    follow_pause();
    /* Without a buffer it has nothing. */
    int code = buffers_lent() > 0 ? cupti.flush(0) : CUPTI_SUCCESS;
    if (code != CUPTI_SUCCESS) fault(code, "an error when it was asked for its records");
  }
  if (!cupti_is_gone() && !process_ends()) {
    compare_clocks();
    read_completed(read_records);
    count_dropped();
    judge_times();
  }
  atomic_store(&round_begun_ns, 0);
  return records_read() != before;
}

/* What it still has is not asked for: it has failed three times. */
static void switch_off(void) {
  if (!cupti_is_gone()) ask_for_records(false);
}

static void go_round(void) {
  bool first = true;
  uint64_t last_work_ns = ring_clock_ns();
  while (!atomic_load(&ending)) {
    uint32_t heard = atomic_load(&bell);
    uint64_t asked = atomic_load(&rounds_asked);
    if (!enter_cupti()) break;
    if (round_of_work()) {
      last_work_ns = ring_clock_ns();
      if (first) end_before_cupti(); /* if it has prepared for its end at its first question only */
      first = false;
    }
    bool off = outcome() == OUTCOME_OFF;
    if (off) switch_off();
    leave_cupti();
    atomic_store(&rounds_done, asked);
    if (off) break;
    rest(heard, ring_clock_ns() - last_work_ns < 1000000000u ? BUSY_NAP_MS : IDLE_NAP_MS);
  }
}

static void *work(void *set_up_first) {
  if (set_up_first == NULL || set_up()) go_round();
  atomic_store(&rounds_done, UINT64_MAX);
  atomic_store(&running, false);
  return NULL;
}

bool process_ends(void) { return atomic_load(&ending); }

bool enter_cupti(void) {
  atomic_store(&in_cupti, true);
  if (!process_ends()) return true;
  leave_cupti();
  return false;
}

void leave_cupti(void) { atomic_store(&in_cupti, false); }

/*
 * As the process ends CUDA and CUPTI are taken down, and must not be called any more. Waits for what is under way, but not
 * for a driver that hangs.
 */
static void end(void) {
  const struct timespec moment = of_ms(1);
  if (atomic_exchange(&ending, true)) return;
  ring_bell();
  for (int i = 0; i < 50 && atomic_load(&in_cupti); i++) nanosleep(&moment, NULL);
  if (outcome() == OUTCOME_TRACING) set_outcome(OUTCOME_ENDED);
}

void end_before_cupti(void) { atexit(end); }

/*
 * For JavaScript, before exit() begins: a call that subscribes may register a handler of CUPTI's and still be under way,
 * and no handler of ours can be before that one.
 */
void accelmeter_cuda_end_set_up(void) {
  if (outcome() == OUTCOME_STARTING) end();
}

bool start_worker(bool set_up_first) {
  static bool yes;
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* the program's signals are for the program's threads */
  atomic_store(&running, true);
  bool started = pthread_create(&thread, NULL, work, set_up_first ? &yes : NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (started) {
    pthread_detach(thread);
    end_before_cupti();
  } else {
    atomic_store(&running, false);
    atomic_store(&rounds_done, UINT64_MAX);
  }
  return started;
}

/* Nothing that begins from now on is recorded, or again all of it; what runs now still is. */
void accelmeter_cuda_pause(uint32_t paused) {
  pause_records(paused != 0);
  accelmeter_ring_pause(paused);
}

/* Asks for a round; gives what accelmeter_cuda_flushed_since() takes to tell that it is over. Does not wait. */
double accelmeter_cuda_request_flush(void) {
  if (!atomic_load(&running)) return 0;
  uint64_t request = atomic_fetch_add(&rounds_asked, 1) + 1;
  ring_bell();
  return (double)request;
}

uint32_t accelmeter_cuda_flushed_since(double request) { return (double)atomic_load(&rounds_done) >= request; }

void accelmeter_cuda_status(double out[9]) {
  uint64_t begun_ns = atomic_load(&round_begun_ns);
  out[0] = (double)outcome();
  out[1] = (double)last_result();
  out[2] = (double)cupti_version();
  out[3] = (double)kinds_given();
  out[4] = (double)fault_count();
  out[5] = (double)atomic_load(&cupti_dropped);
  out[6] = (double)buffers_refused();
  out[7] = begun_ns == 0 ? 0 : (double)(ring_clock_ns() - begun_ns) / 1e9; /* seconds that a round has taken so far */
  out[8] = (double)buffers_lent();
}
