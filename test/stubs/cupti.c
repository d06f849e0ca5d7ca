/*
 * A CUPTI without a GPU: what a scenario says ran is told in records, as CUPTI tells it. A scenario is lines of a verb
 * and of `key=value`:
 *
 *   generation 11|12|13       how long records are: they have grown at their ends
 *   answer FUNCTION CODE      what a call gives: subscribe, register, flush, enable, next
 *   refuse KIND CODE          what enabling a kind of record gives
 *   kernel name=_Z5scalePf count=100 device=0 stream=7 ns=1500 wait=200 gap=500 grid=4 block=256
 *   memcpy kind=1 bytes=4096 count=10 ns=800 from=1 to=3
 *   memset bytes=4096         peer bytes=4096         graph ns=5000
 *   memory op=1 kind=3 bytes=4096
 *   times zero|backwards|endless|sound    of the records that follow
 *   drop COUNT                records that it says it had no room for
 *   alien                     gives back a buffer that it was not lent
 *   refused-memory code=2 context=1       a call that allocates has failed
 *   fatal                     it fails itself
 *   sleep MILLISECONDS
 *   hang SECONDS              what the next flush takes
 *   slow MILLISECONDS         what subscribing takes
 *
 * It is played on a thread of its own when records of kernels are first asked for, from the file in STUB_CUPTI; or by
 * stub_cupti_play(). Only kinds that are asked for are told.
 *
 * As the real one it takes itself down in handlers of exit(), which it registers as it is loaded and as it is subscribed
 * to. A call that comes later is told of on stderr; STUB_CUPTI_END_MS is how long a process lives on after that.
 */
#include "cupti-scenario.h"

#include <stdatomic.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int cuptiGetVersion(uint32_t *version);
EXPORT int cuptiSubscribe(void **subscriber, cupti_callback callback, void *userdata);
EXPORT int cuptiUnsubscribe(void *subscriber);
EXPORT int cuptiActivityRegisterCallbacks(cupti_buffer_requested requested, cupti_buffer_completed completed);
EXPORT int cuptiActivityEnable(uint32_t kind);
EXPORT int cuptiActivityDisable(uint32_t kind);
EXPORT int cuptiActivityFlushAll(uint32_t flag);
EXPORT int cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, uint8_t **record);
EXPORT int cuptiGetTimestamp(uint64_t *ns);
EXPORT int cuptiActivityGetNumDroppedRecords(void *context, uint32_t stream, size_t *count);
EXPORT int cuptiActivitySetAttribute(uint32_t attribute, size_t *size, void *value);
EXPORT int cuptiActivityEnableLatencyTimestamps(uint8_t on);
EXPORT int cuptiEnableCallback(uint32_t on, void *subscriber, uint32_t domain, uint32_t id);
EXPORT int cuptiGetResultString(int result, const char **text);
EXPORT double stub_cupti_play(const char *scenario);
EXPORT void stub_cupti_start(double count, double per_second);
EXPORT double stub_cupti_launched(void);
EXPORT double stub_cupti_join(void);
EXPORT double stub_cupti_cpu_seconds(void);
EXPORT double stub_cupti_callback_seconds(void);
EXPORT uint32_t stub_cupti_enabled(uint32_t kind);
EXPORT uint32_t stub_cupti_attribute(uint32_t attribute);
EXPORT double stub_cupti_told(void);
EXPORT void stub_cupti_take_down(void);

/* ---- its end ---- */

static _Atomic bool taken_down;

/* Also called by the stub of the driver, which takes down what it was traced by. */
void stub_cupti_take_down(void) {
  if (atomic_exchange(&taken_down, true)) return;
  const char *milliseconds = getenv("STUB_CUPTI_END_MS");
  if (milliseconds != NULL) pause_ms(atol(milliseconds));
}

static __attribute__((constructor)) void loaded(void) { atexit(stub_cupti_take_down); }

static void called(const char *function) {
  if (taken_down) fprintf(stderr, "stub CUPTI: %s was called after its end\n", function);
}

/* Plays lines; how many records were told by now. */
double stub_cupti_play(const char *scenario) {
  char *text = strdup(scenario), *rest = NULL;
  for (char *line = strtok_r(text, "\n;", &rest); line != NULL; line = strtok_r(NULL, "\n;", &rest)) play_line(line);
  free(text);
  return (double)told;
}

/* ---- kernels at a pace, for benchmarks ---- */

static pthread_t launcher;
static double launches, launches_per_second, launcher_seconds;
static _Atomic long launched;

static void *launch(void *data) {
  (void)data;
  struct thing thing = {.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, .stream = 7, .ns = 3000, .wait = 2000, .gap = 500,
                        .grid = 128, .block = 256, .count = 100, .name = "_Z6matmulPKfS0_Pfi"};
  uint64_t begun = now_ns();
  for (double i = 0; i < launches; i += 100) {
    uint64_t due = begun + (uint64_t)(launches_per_second > 0 ? i / launches_per_second * 1e9 : 0);
    uint64_t now = now_ns();
    if (due > now + 1000000) pause_ms((long)((due - now) / 1000000));
    tell(&thing);
    launched += 100;
  }
  launcher_seconds = (double)cpu_ns() / 1e9;
  return NULL;
}

/* So many kernels from a thread, at `per_second` or as fast as they can be told. */
void stub_cupti_start(double count, double per_second) {
  launches = count;
  launches_per_second = per_second;
  pthread_create(&launcher, NULL, launch, NULL);
}

/* How many of them have been launched by now, whether there was room to tell of them or not. */
double stub_cupti_launched(void) { return (double)launched; }

/* Waits for the thread; how many records were told by now. */
double stub_cupti_join(void) {
  pthread_join(launcher, NULL);
  return (double)told;
}

/* CPU seconds of the thread, and those of them that were in the callbacks. */
double stub_cupti_cpu_seconds(void) { return launcher_seconds; }
double stub_cupti_callback_seconds(void) { return (double)callback_ns / 1e9; }

/* ---- the file ---- */

static char *scenario_file(void) {
  const char *path = getenv("STUB_CUPTI");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  if (file == NULL) return NULL;
  static char text[65536];
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static char *rest_of_scenario;

/* A little later: the other kinds are still to be asked for. */
static void *play_rest(void *data) {
  pause_ms(20);
  stub_cupti_play(data);
  return NULL;
}

/* What comes before the first empty line is so from the beginning; the rest is played. */
static void read_beginning(void) {
  char *text = scenario_file();
  if (text == NULL) return;
  char *end = strstr(text, "\n\n");
  if (end != NULL) {
    *end = '\0';
    rest_of_scenario = end + 2;
  }
  stub_cupti_play(text);
}

static void begin(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, read_beginning);
}

/* ---- CUPTI ---- */

int cuptiGetVersion(uint32_t *version) {
  called(__func__);
  begin();
  *version = generation == 11 ? 18 : generation == 12 ? 22 : 26;
  return CUPTI_SUCCESS;
}

int cuptiSubscribe(void **subscriber, cupti_callback call_back_at, void *userdata) {
  called(__func__);
  (void)userdata;
  begin();
  atexit(stub_cupti_take_down);
  pause_ms(slow_ms);
  if (answers[SUBSCRIBE] != 0) return answers[SUBSCRIBE];
  if (callback != NULL) return CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
  callback = call_back_at;
  *subscriber = (void *)(uintptr_t)1;
  return CUPTI_SUCCESS;
}

int cuptiUnsubscribe(void *subscriber) {
  called(__func__);
  (void)subscriber;
  callback = NULL;
  return CUPTI_SUCCESS;
}

int cuptiActivityRegisterCallbacks(cupti_buffer_requested request, cupti_buffer_completed complete_it) {
  called(__func__);
  if (answers[REGISTER] != 0) return answers[REGISTER];
  requested = request;
  completed = complete_it;
  return CUPTI_SUCCESS;
}

int cuptiActivityEnable(uint32_t kind) {
  called(__func__);
  if (answers[ENABLE] != 0) return answers[ENABLE];
  if (refusals[kind & 63] != 0) return refusals[kind & 63];
  enabled[kind & 63] = true;
  if (kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL && rest_of_scenario != NULL) {
    pthread_t thread;
    char *rest = rest_of_scenario;
    rest_of_scenario = NULL;
    if (pthread_create(&thread, NULL, play_rest, rest) == 0) pthread_detach(thread);
  }
  return CUPTI_SUCCESS;
}

int cuptiActivityDisable(uint32_t kind) {
  called(__func__);
  enabled[kind & 63] = false;
  return CUPTI_SUCCESS;
}

int cuptiActivityFlushAll(uint32_t flag) {
  called(__func__);
  (void)flag;
  if (hang_seconds > 0) pause_ms(hang_seconds * 1000L);
  if (answers[FLUSH] != 0) return answers[FLUSH];
  pthread_mutex_lock(&lock);
  complete();
  pthread_mutex_unlock(&lock);
  return CUPTI_SUCCESS;
}

int cuptiActivityGetNextRecord(uint8_t *from, size_t valid, uint8_t **record) {
  called(__func__);
  if (answers[NEXT] != 0) return answers[NEXT];
  uint8_t *next = from;
  if (*record != NULL) {
    uint32_t kind;
    memcpy(&kind, *record, sizeof kind);
    next = *record + length_of(kind);
  }
  if (next >= from + valid) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = next;
  return CUPTI_SUCCESS;
}

int cuptiGetTimestamp(uint64_t *ns) {
  called(__func__);
  *ns = now_ns();
  return CUPTI_SUCCESS;
}

int cuptiActivityGetNumDroppedRecords(void *context, uint32_t stream, size_t *count) {
  called(__func__);
  (void)context, (void)stream;
  pthread_mutex_lock(&lock);
  *count = dropped;
  dropped = 0;
  pthread_mutex_unlock(&lock);
  return CUPTI_SUCCESS;
}

int cuptiActivitySetAttribute(uint32_t attribute, size_t *size, void *value) {
  called(__func__);
  size_t number = 0;
  memcpy(&number, value, *size);
  attributes[attribute & 15] = number;
  return CUPTI_SUCCESS;
}

int cuptiActivityEnableLatencyTimestamps(uint8_t on) {
  called(__func__);
  latency = on != 0;
  return CUPTI_SUCCESS;
}

int cuptiEnableCallback(uint32_t on, void *subscriber, uint32_t domain, uint32_t id) {
  called(__func__);
  (void)subscriber, (void)domain;
  if (id < sizeof watched) watched[id] = on != 0;
  return CUPTI_SUCCESS;
}

int cuptiGetResultString(int result, const char **text) {
  called(__func__);
  *text = result == 999 ? "CUPTI_ERROR_UNKNOWN" : "CUPTI_ERROR_OF_THE_STUB";
  return CUPTI_SUCCESS;
}

/* ---- what a test wants to know ---- */

uint32_t stub_cupti_enabled(uint32_t kind) { return enabled[kind & 63]; }
uint32_t stub_cupti_attribute(uint32_t attribute) { return (uint32_t)attributes[attribute & 15]; }
double stub_cupti_told(void) { return (double)told; }
