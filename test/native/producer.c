/*
 * A tracer with nothing behind it: threads that push numbered records as fast as they are told, for tests of the ring.
 * Contains the ring itself, so that a test can set it to any position.
 */
#include "../../instrumentation/native-ring/ring.c"

#include <math.h>
#include <stdio.h>

RING_EXPORT void producer_arm_at(double position);
RING_EXPORT uint32_t producer_push(uint32_t count);
RING_EXPORT uint32_t producer_start(uint32_t threads, uint32_t each, double per_second);
RING_EXPORT double producer_join(void);
RING_EXPORT uint32_t producer_intern(const char *name);
RING_EXPORT uint32_t producer_intern_numbered(uint32_t count);
RING_EXPORT uint32_t producer_intern_bytes(void);

#define MOST_THREADS 16

static pthread_t producers[MOST_THREADS];
static uint32_t running;
static uint32_t records_each;
static double records_per_second;
static _Atomic uint64_t produced;

/* An empty ring that has already seen `position` records: each slot is free for its next lap. */
void producer_arm_at(double position) {
  uint64_t start = (uint64_t)position;
  for (uint64_t i = 0; i < RING_CAPACITY; i++) {
    uint64_t next = start + ((i - start) & (RING_CAPACITY - 1));
    atomic_store(&slots[i].turn, free_turn(next));
  }
  atomic_store(&head, start);
  atomic_store(&tail, start);
  ring_arm();
}

static void push_numbered(uint32_t thread, uint32_t number) {
  struct ring_record record = {
      .kind = RING_KERNEL,
      .device = thread,
      .queue = number,
      .start = ring_seconds(ring_clock_ns()),
      .duration = number * 1e-9,
      .wait = number % 2 == 0 ? NAN : 1e-6,
      .amount = (double)thread * 1e9 + number,
  };
  ring_push(&record);
}

/* Pushes from this thread, as thread 0. */
uint32_t producer_push(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) push_numbered(0, i);
  return count;
}

static void *produce(void *data) {
  uint32_t thread = (uint32_t)(uintptr_t)data;
  uint64_t begun_ns = ring_clock_ns();
  for (uint32_t i = 0; i < records_each; i++) {
    /* In slices of a hundred, as a driver's callbacks come in bursts. */
    if (records_per_second > 0 && i % 100 == 0) {
      uint64_t due_ns = begun_ns + (uint64_t)(i / records_per_second * 1e9);
      uint64_t now_ns = ring_clock_ns();
      if (due_ns > now_ns) {
        struct timespec pause = {(time_t)((due_ns - now_ns) / 1000000000u), (long)((due_ns - now_ns) % 1000000000u)};
        nanosleep(&pause, NULL);
      }
    }
    push_numbered(thread, i);
    atomic_fetch_add(&produced, 1);
  }
  return NULL;
}

/* Starts threads that push `each` records at `per_second` in each thread; 0: as fast as they can. */
uint32_t producer_start(uint32_t threads, uint32_t each, double per_second) {
  records_each = each;
  records_per_second = per_second;
  atomic_store(&produced, 0);
  for (running = 0; running < threads && running < MOST_THREADS; running++) {
    if (pthread_create(&producers[running], NULL, produce, (void *)(uintptr_t)running) != 0) break;
  }
  return running;
}

/* Waits for them; how many records they produced, accepted or not. */
double producer_join(void) {
  for (uint32_t i = 0; i < running; i++) pthread_join(producers[i], NULL);
  running = 0;
  return (double)atomic_load(&produced);
}

uint32_t producer_intern(const char *name) { return ring_name(name, strlen(name)); }

/* Names "kernel_0", "kernel_1" and so on; the id of the last. */
uint32_t producer_intern_numbered(uint32_t count) {
  uint32_t id = 0;
  for (uint32_t i = 0; i < count; i++) {
    char name[32];
    snprintf(name, sizeof name, "kernel_%u", i);
    id = ring_name(name, strlen(name));
  }
  return id;
}

/* A name that is no UTF-8. */
uint32_t producer_intern_bytes(void) { return ring_name("a\xff\xfe\x80z", 5); }
