/*
 * What the stub of CUPTI tells: records in the lengths of a generation of CUDA, and the scenarios that say which. The
 * verbs are described in cupti.c, which includes this.
 */
#ifndef ACCELMETER_STUB_CUPTI_SCENARIO_H
#define ACCELMETER_STUB_CUPTI_SCENARIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../instrumentation/cuda-trace/cupti.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the buffer that is being filled */
static cupti_buffer_requested requested;
static cupti_buffer_completed completed;
static cupti_callback callback;
static _Atomic bool enabled[64], watched[700];
static bool latency;
static size_t attributes[16];
static int answers[5], refusals[64];
static const char *const functions[5] = {"subscribe", "register", "flush", "enable", "next"};
enum { SUBSCRIBE, REGISTER, FLUSH, ENABLE, NEXT };
static int generation = 12;
static size_t dropped;
static int hang_seconds;
static long slow_ms;
static _Atomic long told;
static uint32_t correlation;

static uint8_t *buffer;
static size_t capacity, filled;
static _Atomic uint64_t callback_ns; /* what the two callbacks have taken, in CPU time of their threads */

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t length_of(uint32_t kind) {
  size_t age = generation >= 13 ? 2 : generation == 12 ? 1 : 0;
  /* Of CUDA 11.0, 12.4 and 13.0: Kernel5, 9 and 10; Memcpy3, 5 and 6; and so on. */
  static const size_t kernels[] = {160, 208, 224}, copies[] = {64, 88, 104}, peers[] = {80, 96, 104};
  static const size_t sets[] = {64, 80, 80}, memories[] = {120, 120, 128};
  switch (kind) {
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      return copies[age];
    case CUPTI_ACTIVITY_KIND_MEMCPY2:
      return peers[age];
    case CUPTI_ACTIVITY_KIND_MEMSET:
      return sets[age];
    case CUPTI_ACTIVITY_KIND_MEMORY2:
      return memories[age];
    case CUPTI_ACTIVITY_KIND_GRAPH_TRACE:
      return age == 0 ? 48 : 56;
    default:
      return kernels[age];
  }
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- buffers ---- */

static void complete(void) {
  if (buffer == NULL) return;
  uint64_t before = cpu_ns();
  completed(NULL, 0, buffer, capacity, filled);
  callback_ns += cpu_ns() - before;
  buffer = NULL;
}

/* Where a record of a kind is to be written; NULL where there is no room, which is counted as CUPTI does. */
static uint8_t *room_for(uint32_t kind) {
  size_t length = length_of(kind);
  if (buffer != NULL && filled + length > capacity) complete();
  if (buffer == NULL) {
    size_t most;
    uint64_t before = cpu_ns();
    requested(&buffer, &capacity, &most);
    callback_ns += cpu_ns() - before;
    filled = 0;
    if (buffer == NULL) {
      dropped++;
      return NULL;
    }
    if (attributes[ATTRIBUTE_ZEROED_OUT_ACTIVITY_BUFFER] == 0) memset(buffer, 0, capacity);
  }
  uint8_t *record = buffer + filled;
  filled += length;
  memcpy(record, &kind, sizeof kind);
  told++;
  return record;
}

/* ---- records ---- */

static const char *times = "sound";
static uint64_t clock_ns; /* the end of what was told last: the device does one thing at a time */

struct thing {
  uint32_t kind;
  char name[4096];
  long count, device, stream, ns, wait, gap, grid, block, bytes, what, from, to, op, code, context;
};

static void put32(uint8_t *record, size_t offset, uint32_t value) { memcpy(record + offset, &value, sizeof value); }
static void put64(uint8_t *record, size_t offset, uint64_t value) { memcpy(record + offset, &value, sizeof value); }

static void put_times(uint8_t *record, size_t start_at, size_t end_at, const struct thing *thing, uint64_t *start) {
  *start = clock_ns + (uint64_t)thing->gap;
  uint64_t end = *start + (uint64_t)thing->ns;
  clock_ns = end;
  if (strcmp(times, "zero") == 0) *start = end = 0;
  if (strcmp(times, "backwards") == 0) end = *start - 1;
  if (strcmp(times, "endless") == 0) end = UINT64_MAX;
  put64(record, start_at, *start);
  put64(record, end_at, end);
}

/* The same text for the same name, as CUPTI shares it. */
static const char *shared_name(const char *name) {
  static char *names[8192];
  static uint32_t count;
  for (uint32_t i = count; i > 0; i--) {
    if (strcmp(names[i - 1], name) == 0) return names[i - 1];
  }
  if (count == sizeof names / sizeof *names) return name;
  return names[count++] = strdup(name);
}

static void tell_kernel(const struct thing *thing, const char *name) {
  uint64_t start;
  uint8_t *record = room_for(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  if (record == NULL) return;
  put_times(record, KERNEL_START, KERNEL_END, thing, &start);
  put32(record, KERNEL_DEVICE, (uint32_t)thing->device);
  put32(record, KERNEL_CONTEXT, (uint32_t)thing->device + 1);
  put32(record, KERNEL_STREAM, (uint32_t)thing->stream);
  for (size_t axis = 0; axis < 3; axis++) {
    put32(record, KERNEL_GRID + 4 * axis, axis == 0 ? (uint32_t)thing->grid : 1);
    put32(record, KERNEL_BLOCK + 4 * axis, axis == 0 ? (uint32_t)thing->block : 1);
  }
  put32(record, KERNEL_CORRELATION, ++correlation);
  put64(record, KERNEL_NAME, (uint64_t)(uintptr_t)name);
  if (latency) put64(record, KERNEL_QUEUED, start - (uint64_t)thing->wait);
}

static void tell_copy(const struct thing *thing) {
  uint64_t start;
  uint8_t *record = room_for(thing->kind);
  if (record == NULL) return;
  put_times(record, COPY_START, COPY_END, thing, &start);
  if (thing->kind != CUPTI_ACTIVITY_KIND_MEMSET) {
    record[COPY_KIND] = (uint8_t)(thing->kind == CUPTI_ACTIVITY_KIND_MEMCPY2 ? MEMCPY_PTOP : thing->what);
    record[COPY_SOURCE] = (uint8_t)thing->from;
    record[COPY_TARGET] = (uint8_t)thing->to;
  }
  put64(record, COPY_BYTES, (uint64_t)thing->bytes);
  put32(record, COPY_DEVICE, (uint32_t)thing->device);
  put32(record, COPY_CONTEXT, (uint32_t)thing->device + 1);
  put32(record, COPY_STREAM, (uint32_t)thing->stream);
  bool peer = thing->kind == CUPTI_ACTIVITY_KIND_MEMCPY2;
  put32(record, peer ? PEER_CORRELATION : COPY_CORRELATION, ++correlation);
}

static void tell_memory(const struct thing *thing) {
  uint8_t *record = room_for(CUPTI_ACTIVITY_KIND_MEMORY2);
  if (record == NULL) return;
  put32(record, MEMORY_OPERATION, (uint32_t)thing->op);
  put32(record, MEMORY_KIND, (uint32_t)thing->what);
  put64(record, MEMORY_BYTES, (uint64_t)thing->bytes);
  put64(record, MEMORY_TIME, now_ns());
  put32(record, MEMORY_DEVICE, (uint32_t)thing->device);
  put32(record, MEMORY_CONTEXT, (uint32_t)thing->device + 1);
}

static void tell_graph(const struct thing *thing) {
  uint64_t start;
  uint8_t *record = room_for(CUPTI_ACTIVITY_KIND_GRAPH_TRACE);
  if (record == NULL) return;
  put_times(record, GRAPH_START, GRAPH_END, thing, &start);
  put32(record, GRAPH_DEVICE, (uint32_t)thing->device);
  put32(record, GRAPH_STREAM, (uint32_t)thing->stream);
  put32(record, GRAPH_CORRELATION, ++correlation);
}

static void tell(const struct thing *thing) {
  if (!enabled[thing->kind]) return;
  pthread_mutex_lock(&lock);
  const char *name = thing->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL ? shared_name(thing->name) : NULL;
  /* All of it has just ended. */
  clock_ns = now_ns() - (uint64_t)thing->count * (uint64_t)(thing->ns + thing->gap);
  for (long i = 0; i < thing->count; i++) {
    if (thing->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) tell_kernel(thing, name);
    else if (thing->kind == CUPTI_ACTIVITY_KIND_MEMORY2) tell_memory(thing);
    else if (thing->kind == CUPTI_ACTIVITY_KIND_GRAPH_TRACE) tell_graph(thing);
    else tell_copy(thing);
  }
  pthread_mutex_unlock(&lock);
}

/* ---- scenarios ---- */

static void call_back(uint32_t domain, uint32_t id, int code, uint32_t context) {
  uint8_t data[64] = {0};
  int *result = &code;
  if (domain == CUPTI_CB_DOMAIN_STATE) {
    put32(data, 0, (uint32_t)code);
  } else {
    put32(data, CALLBACK_SITE, CUPTI_API_EXIT);
    memcpy(data + CALLBACK_RETURN_VALUE, &result, sizeof result);
    put32(data, CALLBACK_CONTEXT_UID, context);
  }
  if (callback != NULL && watched[id]) callback(NULL, domain, id, data);
}

static void read_keys(char *text, struct thing *thing) {
  const struct {
    const char *key;
    long *value;
  } keys[] = {
      {"count", &thing->count}, {"device", &thing->device}, {"stream", &thing->stream}, {"ns", &thing->ns},
      {"wait", &thing->wait},   {"gap", &thing->gap},       {"grid", &thing->grid},     {"block", &thing->block},
      {"bytes", &thing->bytes}, {"kind", &thing->what},     {"from", &thing->from},     {"to", &thing->to},
      {"op", &thing->op},       {"code", &thing->code},     {"context", &thing->context},
  };
  char *rest = NULL;
  for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    char *equals = strchr(word, '=');
    if (equals == NULL) continue;
    *equals = '\0';
    if (strcmp(word, "name") == 0) snprintf(thing->name, sizeof thing->name, "%s", equals + 1);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
      if (strcmp(word, keys[i].key) == 0) *keys[i].value = atol(equals + 1);
    }
  }
}

static uint32_t kind_of(const char *verb) {
  static const struct {
    const char *verb;
    uint32_t kind;
  } kinds[] = {{"kernel", CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL}, {"memcpy", CUPTI_ACTIVITY_KIND_MEMCPY},
               {"memset", CUPTI_ACTIVITY_KIND_MEMSET},            {"peer", CUPTI_ACTIVITY_KIND_MEMCPY2},
               {"memory", CUPTI_ACTIVITY_KIND_MEMORY2},           {"graph", CUPTI_ACTIVITY_KIND_GRAPH_TRACE}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(verb, kinds[i].verb) == 0) return kinds[i].kind;
  }
  return 0;
}

static void pause_ms(long milliseconds) {
  struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&rest, NULL);
}

static void set_answer(const char *function, int code) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (strcmp(function, functions[i]) == 0) answers[i] = code;
  }
}

static void play_line(char *line) {
  char verb[32] = "", first[64] = "", second[64] = "";
  if (sscanf(line, "%31s %63s %63s", verb, first, second) < 1 || verb[0] == '#') return;
  static uint8_t alien[256];
  struct thing thing = {.name = "_Z6kernelv", .count = 1, .stream = 7, .ns = 1000, .gap = 100, .grid = 1, .block = 1,
                        .bytes = 4096, .what = 1, .from = 1, .to = 3, .op = 1, .code = 2, .context = 1};
  uint32_t kind = kind_of(verb);
  if (kind != 0) {
    read_keys(line, &thing);
    thing.kind = kind;
    if (strcmp(verb, "memory") == 0 && strstr(line, "kind") == NULL && thing.what == 1) thing.what = 3;
    tell(&thing);
  } else if (strcmp(verb, "generation") == 0) generation = atoi(first);
  else if (strcmp(verb, "answer") == 0) set_answer(first, atoi(second));
  else if (strcmp(verb, "refuse") == 0) refusals[atoi(first) & 63] = atoi(second);
  else if (strcmp(verb, "times") == 0) times = shared_name(first);
  else if (strcmp(verb, "drop") == 0) dropped += (size_t)atol(first);
  else if (strcmp(verb, "alien") == 0) completed(NULL, 0, alien, sizeof alien, sizeof alien);
  else if (strcmp(verb, "sleep") == 0) pause_ms(atol(first));
  else if (strcmp(verb, "hang") == 0) hang_seconds = atoi(first);
  else if (strcmp(verb, "slow") == 0) slow_ms = atol(first);
  else if (strcmp(verb, "fatal") == 0) call_back(CUPTI_CB_DOMAIN_STATE, CUPTI_CBID_STATE_FATAL_ERROR, 999, 0);
  else if (strcmp(verb, "refused-memory") == 0) {
    read_keys(line, &thing);
    call_back(CUPTI_CB_DOMAIN_DRIVER_API, 243, (int)thing.code, (uint32_t)thing.context);
  } else {
    fprintf(stderr, "stub CUPTI: %s is no verb\n", verb);
    abort();
  }
}

#endif
