/*
 * The CUDA tracer between threads that launch and a CUPTI made for it, for sanitizers: nothing here is a real device.
 * Four threads run kernels, copies and allocations; the tracer's own thread reads; another pauses it, drains the ring
 * and looks at its status. The program is a process of its own, which ends with 0 where each record was told once, or
 * counted as lost.
 */
#include "../../instrumentation/cuda-trace/trace.h"

#include <math.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../stubs/cupti.c"

extern int InitializeInjection(void);
extern void accelmeter_cuda_status(double out[9]);
extern void accelmeter_cuda_pause(uint32_t paused);
extern double accelmeter_cuda_request_flush(void);
extern uint32_t accelmeter_cuda_flushed_since(double request);
extern const char *accelmeter_cuda_device(uint32_t index);

/* In place of libraries.c: CUPTI is the stub in this very program. */
struct cupti cupti;
enum outcome open_cupti(void) {
  cupti = (struct cupti){
      .subscribe = cuptiSubscribe,
      .unsubscribe = cuptiUnsubscribe,
      .register_callbacks = cuptiActivityRegisterCallbacks,
      .enable = cuptiActivityEnable,
      .disable = cuptiActivityDisable,
      .flush = cuptiActivityFlushAll,
      .next_record = cuptiActivityGetNextRecord,
      .timestamp = cuptiGetTimestamp,
      .dropped = cuptiActivityGetNumDroppedRecords,
      .version = cuptiGetVersion,
      .set_attribute = cuptiActivitySetAttribute,
      .latency_timestamps = cuptiActivityEnableLatencyTimestamps,
      .enable_callback = cuptiEnableCallback,
      .result_string = cuptiGetResultString,
  };
  return OUTCOME_TRACING;
}
void read_places(void) {}
uint32_t cupti_version(void) { return 22; }
void *loaded_cuda(void) { return NULL; }
void set_detail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
}

#define LAUNCHERS 4
#define ROUNDS 100

static _Atomic bool over;
static uint64_t drained, failures, fills, lost_kinds;

static void *launch_things(void *data) {
  char scenario[512];
  unsigned device = (unsigned)(uintptr_t)data;
  snprintf(scenario, sizeof scenario,
           "kernel name=_Z5scalePf%u count=50 device=%u;memcpy count=9 device=%u;memset device=%u;peer count=2 device=%u;"
           "memory op=1 bytes=64 device=%u;memory op=2 bytes=64 device=%u;refused-memory code=2 context=%u",
           device, device, device, device, device, device, device, device + 1);
  for (int i = 0; i < ROUNDS; i++) stub_cupti_play(scenario);
  return NULL;
}

static void drain(void) {
  static struct ring_record records[512];
  uint32_t moved;
  while ((moved = accelmeter_ring_drain(records, 512)) > 0) {
    drained += moved;
    for (uint32_t i = 0; i < moved; i++) {
      if (records[i].kind == RING_ALLOCATION && records[i].error != 0) failures++;
      if (records[i].kind < RING_KERNEL || records[i].kind > RING_FILL) lost_kinds++;
      if (records[i].kind == RING_FILL) fills++;
      if (records[i].device >= LAUNCHERS || accelmeter_cuda_device(records[i].device) == NULL) lost_kinds++;
    }
  }
}

static void *watch(void *data) {
  (void)data;
  double status[9];
  while (!atomic_load(&over)) {
    drain();
    accelmeter_cuda_status(status);
    accelmeter_cuda_request_flush();
    pause_ms(2);
  }
  return NULL;
}

static bool settled(void) {
  for (int round = 0; round < 3; round++) {
    double request = accelmeter_cuda_request_flush();
    for (int i = 0; accelmeter_cuda_flushed_since(request) == 0; i++) {
      if (i > 5000) return false;
      pause_ms(1);
    }
  }
  return true;
}

static int check(const char *what, double got, double wanted) {
  if (got == wanted) return 0;
  fprintf(stderr, "%s: %.0f, not %.0f\n", what, got, wanted);
  return 1;
}

/* The exit code of a child of fork(), which does `check`. */
static int in_child(int (*check)(void)) {
  pid_t child = fork();
  if (child == 0) _exit(check());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A child inherits the environment, and not the number: CUDA may load us there, and nothing happens. */
static int is_inert(void) {
  struct ring_status ring;
  int loaded = InitializeInjection();
  accelmeter_ring_status(&ring);
  bool untouched = cupti.subscribe == NULL && callback == NULL;
  return loaded == 1 && outcome() == OUTCOME_INERT && ring.state == RING_INERT && untouched ? 0 : 1;
}

/* A child of a process that is traced shares neither its thread nor its reader. */
static int is_disarmed(void) {
  struct ring_status ring;
  accelmeter_ring_status(&ring);
  return ring.state == RING_DISARMED && !ring_recording() ? 0 : 1;
}

int main(void) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  setenv("ACCELMETER_PID", pid, 1);
  if (in_child(is_inert) != 0) return 2;
  if (InitializeInjection() != 1 || outcome() != OUTCOME_TRACING) return 1;

  if (in_child(is_disarmed) != 0) return 3;
  pthread_t launchers[LAUNCHERS], watcher;
  pthread_create(&watcher, NULL, watch, NULL);
  for (uintptr_t i = 0; i < LAUNCHERS; i++) pthread_create(&launchers[i], NULL, launch_things, (void *)i);
  for (int i = 0; i < LAUNCHERS; i++) pthread_join(launchers[i], NULL);
  bool flushed = settled();
  /* Nothing is told of a pause, and afterwards again. */
  accelmeter_cuda_pause(1);
  for (int i = 0; stub_cupti_enabled(10) && i < 1000; i++) pause_ms(1);
  double before = stub_cupti_told();
  launch_things((void *)0);
  double in_pause = stub_cupti_told() - before;
  accelmeter_cuda_pause(0);
  for (int i = 0; !stub_cupti_enabled(10) && i < 1000; i++) pause_ms(1);
  stub_cupti_play("kernel count=5");
  flushed = settled() && flushed;
  atomic_store(&over, true);
  pthread_join(watcher, NULL);
  drain();

  double tracer[9];
  struct ring_status ring;
  accelmeter_cuda_status(tracer);
  accelmeter_ring_status(&ring);
  double each = 50 + 10 + 2 + 2;
  double told = LAUNCHERS * ROUNDS * each + 5;
  double refused = LAUNCHERS * ROUNDS;
  int wrong = 0;
  wrong += check("answers to questions", flushed, true);
  wrong += check("records told by CUPTI", stub_cupti_told(), told);
  wrong += check("records told in a pause", in_pause, 0);
  wrong += check("records drained", (double)drained + ring.dropped + tracer[5], told + refused);
  wrong += check("refused allocations", (double)failures + ring.dropped, refused + ring.dropped);
  wrong += check("fills", (double)fills + ring.dropped, LAUNCHERS * ROUNDS + ring.dropped);
  wrong += check("records of no kind or device", (double)lost_kinds, 0);
  wrong += check("faults", tracer[4], 0);
  wrong += check("invalid", ring.invalid, 0);
  wrong += check("untraced", ring.untraced, 0);
  return wrong;
}
