#include "ring.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CACHE_LINE 64

/*
 * `turn` says whose a slot is. For the record at position p, with lap = p / RING_CAPACITY: 2 * lap means free for it,
 * 2 * lap + 1 means it is there. Zero is therefore "free for lap 0". It is compared modulo 2^32, which is safe as no
 * two live positions are more than one lap apart.
 */
struct slot {
  struct ring_record record;
  _Atomic uint32_t turn;
};
static_assert(sizeof(struct slot) == CACHE_LINE, "one slot, one cache line");

static _Alignas(CACHE_LINE) struct slot slots[RING_CAPACITY];

/* What producers write and what the reader writes lie on lines of their own. */
static _Alignas(CACHE_LINE) _Atomic uint64_t head;
static _Alignas(CACHE_LINE) _Atomic uint64_t tail;
static atomic_flag draining = ATOMIC_FLAG_INIT;
static atomic_flag claimed = ATOMIC_FLAG_INIT;
static _Alignas(CACHE_LINE) _Atomic uint64_t dropped;
static _Atomic uint64_t untraced;
static _Atomic uint64_t invalid;

static _Alignas(CACHE_LINE) _Atomic int state;
static _Atomic bool paused;
static uint64_t base_ns;

/* The program's threads write the one and the driver's the other. */
struct in_flight {
  _Alignas(CACHE_LINE) _Atomic uint64_t begun;
  _Alignas(CACHE_LINE) _Atomic uint64_t ended;
};
static struct in_flight devices[RING_DEVICES];

static void count(_Atomic uint64_t *counter) { atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); }
static uint64_t read_count(_Atomic uint64_t *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }

static void disarm_child(void) { atomic_store(&state, RING_DISARMED); }

void ring_arm(void) {
  base_ns = ring_clock_ns();
  pthread_atfork(NULL, NULL, disarm_child);
  atomic_store(&state, RING_ARMED);
}

bool ring_meant_for_this_process(void) {
  const char *digits = getenv("ACCELMETER_PID");
  if (digits == NULL || *digits == '\0') return false;
  uint64_t pid = 0;
  for (; *digits != '\0'; digits++) {
    if (*digits < '0' || *digits > '9' || pid > UINT32_MAX) return false;
    pid = pid * 10 + (uint64_t)(*digits - '0');
  }
  return pid == (uint64_t)getpid();
}

void ring_mark_inert(void) { atomic_store(&state, RING_INERT); }

bool ring_armed(void) { return atomic_load_explicit(&state, memory_order_acquire) == RING_ARMED; }

bool ring_recording(void) { return ring_armed() && !atomic_load_explicit(&paused, memory_order_relaxed); }

void accelmeter_ring_pause(uint32_t pause) { atomic_store(&paused, pause != 0); }

uint64_t ring_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ring_armed_ns(void) { return base_ns; }

double ring_seconds(uint64_t clock_ns) { return (double)(int64_t)(clock_ns - base_ns) / 1e9; }

static uint32_t free_turn(uint64_t position) { return (uint32_t)(position >> RING_CAPACITY_BITS) * 2u; }

bool ring_push(const struct ring_record *record) {
  uint64_t position = atomic_load_explicit(&head, memory_order_relaxed);
  struct slot *slot;
  for (;;) {
    slot = &slots[position & (RING_CAPACITY - 1)];
    int32_t ahead = (int32_t)(atomic_load_explicit(&slot->turn, memory_order_acquire) - free_turn(position));
    if (ahead < 0) { /* it still holds the record of the lap before: full */
      count(&dropped);
      return false;
    }
    if (ahead > 0) { /* another thread was faster, and head has moved */
      position = atomic_load_explicit(&head, memory_order_relaxed);
    } else if (atomic_compare_exchange_weak_explicit(&head, &position, position + 1, memory_order_relaxed,
                                                     memory_order_relaxed)) {
      break;
    }
  }
  slot->record = *record;
  atomic_store_explicit(&slot->turn, free_turn(position) + 1, memory_order_release);
  return true;
}

uint32_t accelmeter_ring_claim(void) { return !atomic_flag_test_and_set(&claimed); }
void accelmeter_ring_unclaim(void) { atomic_flag_clear(&claimed); }

uint32_t accelmeter_ring_drain(struct ring_record *out, uint32_t capacity) {
  if (atomic_flag_test_and_set_explicit(&draining, memory_order_acquire)) return 0;
  uint64_t position = atomic_load_explicit(&tail, memory_order_relaxed);
  uint32_t moved = 0;
  for (; moved < capacity; moved++, position++) {
    struct slot *slot = &slots[position & (RING_CAPACITY - 1)];
    uint32_t there = free_turn(position) + 1;
    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != there) break;
    out[moved] = slot->record;
    atomic_store_explicit(&slot->turn, there + 1, memory_order_release); /* free for the next lap */
  }
  atomic_store_explicit(&tail, position, memory_order_relaxed);
  atomic_flag_clear_explicit(&draining, memory_order_release);
  return moved;
}

static struct in_flight *of_device(uint32_t device) {
  return &devices[device < RING_DEVICES ? device : RING_DEVICES - 1];
}
void ring_begun(uint32_t device) { count(&of_device(device)->begun); }
void ring_ended(uint32_t device) { count(&of_device(device)->ended); }
void ring_count_untraced(void) { count(&untraced); }
void ring_count_invalid(void) { count(&invalid); }

/*
 * Names lie one after another in `text`; `names[id]` is where one begins. `buckets` is a hash table of ids with linear
 * probing, twice as large as it can fill. Ids are published by the release in ring_push() of the records that carry
 * them, so the reader needs no lock to look one up.
 */
#define NAME_TEXT_BYTES (512u * 1024u)
#define NAME_BUCKETS (2u * RING_NAMES)

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static char text[NAME_TEXT_BYTES];
static uint32_t names[RING_NAMES];
static uint16_t buckets[NAME_BUCKETS];
static uint32_t text_used = 1; /* text[0] stays NUL: the text of RING_NAME_NONE and RING_NAME_OTHER */
static _Atomic uint32_t name_count = RING_NAME_OTHER + 1;
static _Atomic uint64_t other_names;

/* FNV-1a */
static uint32_t hash_bytes(const char *bytes, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
  return hash;
}

static uint32_t add_name(const char *bytes, size_t length) {
  uint32_t id = atomic_load_explicit(&name_count, memory_order_relaxed);
  if (id == RING_NAMES || text_used + length + 1 > NAME_TEXT_BYTES) {
    count(&other_names);
    return RING_NAME_OTHER;
  }
  names[id] = text_used;
  memcpy(text + text_used, bytes, length);
  text_used += (uint32_t)length + 1;
  atomic_store_explicit(&name_count, id + 1, memory_order_release);
  return id;
}

uint32_t ring_name(const char *bytes, size_t length) {
  length = strnlen(bytes, length < RING_NAME_BYTES ? length : RING_NAME_BYTES);
  if (length == 0) return RING_NAME_NONE;
  pthread_mutex_lock(&names_lock);
  uint32_t id = 0;
  uint32_t bucket = hash_bytes(bytes, length) % NAME_BUCKETS;
  for (; buckets[bucket] != 0; bucket = (bucket + 1) % NAME_BUCKETS) {
    const char *known = text + names[buckets[bucket]];
    if (strncmp(known, bytes, length) == 0 && known[length] == '\0') {
      id = buckets[bucket];
      break;
    }
  }
  if (id == 0) {
    id = add_name(bytes, length);
    if (id != RING_NAME_OTHER) buckets[bucket] = (uint16_t)id;
  }
  pthread_mutex_unlock(&names_lock);
  return id;
}

const char *accelmeter_ring_name(uint32_t id) {
  return id < atomic_load_explicit(&name_count, memory_order_acquire) ? text + names[id] : NULL;
}

/* Ends before beginnings, here and below tail before head, so that a difference is never negative. */
uint32_t accelmeter_ring_in_flight(uint32_t device) {
  uint64_t ended_now = read_count(&of_device(device)->ended);
  return (uint32_t)(read_count(&of_device(device)->begun) - ended_now);
}

void accelmeter_ring_status(struct ring_status *out) {
  uint64_t in_flight = 0;
  for (uint32_t device = 0; device < RING_DEVICES; device++) in_flight += accelmeter_ring_in_flight(device);
  uint64_t tail_now = read_count(&tail);
  uint64_t head_now = read_count(&head);
  int state_now = atomic_load(&state);
  *out = (struct ring_status){
      .state = state_now == RING_ARMED && atomic_load(&paused) ? RING_PAUSED : state_now,
      .now = state_now == RING_ARMED ? ring_seconds(ring_clock_ns()) : NAN,
      .pushed = (double)head_now,
      .waiting = (double)(head_now - tail_now),
      .dropped = (double)read_count(&dropped),
      .untraced = (double)read_count(&untraced),
      .invalid = (double)read_count(&invalid),
      .in_flight = (double)in_flight,
      .names = (double)(atomic_load(&name_count) - (RING_NAME_OTHER + 1)),
      .other_names = (double)read_count(&other_names),
  };
}
