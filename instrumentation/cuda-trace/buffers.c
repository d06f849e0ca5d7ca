/*
 * The buffers that CUPTI writes its records into: a fixed number, the library's own zero pages, touched only as they
 * are used. CUPTI asks for one on the thread that launches a kernel, and gives it back there or on a thread of its own;
 * both are a compare-and-swap. Where all are lent CUPTI is refused, drops records and counts them.
 */
#include "trace.h"

#include <string.h>

static _Alignas(4096) uint8_t memory[BUFFERS][BUFFER_BYTES];
static _Atomic size_t valid_bytes[BUFFERS];
static _Atomic uint32_t below[BUFFERS]; /* in a list: 1 + the index of the next, 0 for none */
static _Atomic bool is_lent[BUFFERS];

/* High half: changed at every pop, against ABA. Low half: 1 + the index of the topmost, 0 for none. */
static _Atomic uint64_t free_list;
static _Atomic uint32_t never_used;
static _Atomic uint32_t completed_list; /* taken whole, by one thread, so it needs no counter */
static _Atomic uint32_t lent;
static _Atomic uint64_t refused;

static bool take_free(uint32_t *index) {
  uint64_t top = atomic_load_explicit(&free_list, memory_order_acquire);
  while ((uint32_t)top != 0) {
    *index = (uint32_t)top - 1;
    uint64_t rest = ((top >> 32) + 1) << 32 | atomic_load_explicit(&below[*index], memory_order_relaxed);
    if (atomic_compare_exchange_weak_explicit(&free_list, &top, rest, memory_order_acquire, memory_order_acquire)) {
      return true;
    }
  }
  if (atomic_load_explicit(&never_used, memory_order_relaxed) >= BUFFERS) return false;
  *index = atomic_fetch_add_explicit(&never_used, 1, memory_order_relaxed);
  if (*index == 0) end_before_cupti(); /* once, on the thread that launches a first kernel: CUDA is started now */
  return *index < BUFFERS;
}

static void give_back(uint32_t index) {
  uint64_t top = atomic_load_explicit(&free_list, memory_order_relaxed);
  uint64_t mine;
  do {
    atomic_store_explicit(&below[index], (uint32_t)top, memory_order_relaxed);
    mine = (top & ~(uint64_t)UINT32_MAX) | (index + 1);
  } while (!atomic_compare_exchange_weak_explicit(&free_list, &top, mine, memory_order_release, memory_order_relaxed));
}

void buffer_requested(uint8_t **buffer, size_t *size, size_t *most_records) {
  uint32_t index;
  *most_records = 0; /* as many as fit */
  if (!take_free(&index)) {
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    *buffer = NULL;
    *size = 0;
    return;
  }
  atomic_store_explicit(&is_lent[index], true, memory_order_relaxed);
  atomic_fetch_add_explicit(&lent, 1, memory_order_relaxed);
  *buffer = memory[index];
  *size = BUFFER_BYTES;
}

void buffer_completed(void *context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid) {
  (void)context, (void)stream, (void)size;
  uintptr_t offset = (uintptr_t)buffer - (uintptr_t)memory;
  uint32_t index = (uint32_t)(offset / BUFFER_BYTES);
  bool ours = offset < sizeof memory && offset % BUFFER_BYTES == 0 && valid <= BUFFER_BYTES;
  /* One that is not ours, or comes twice: whoever else it belongs to, it is not read. */
  if (!ours || !atomic_exchange(&is_lent[index], false)) {
    fault(CUPTI_SUCCESS, "a buffer that it was not lent");
    return;
  }
  atomic_store_explicit(&valid_bytes[index], valid, memory_order_relaxed);
  uint32_t top = atomic_load_explicit(&completed_list, memory_order_relaxed);
  do {
    atomic_store_explicit(&below[index], top, memory_order_relaxed);
  } while (!atomic_compare_exchange_weak_explicit(&completed_list, &top, index + 1, memory_order_release,
                                                  memory_order_relaxed));
}

uint32_t read_completed(void (*read)(uint8_t *buffer, size_t valid)) {
  uint32_t oldest = 0;
  for (uint32_t link = atomic_exchange_explicit(&completed_list, 0, memory_order_acquire); link != 0;) {
    uint32_t next = atomic_load_explicit(&below[link - 1], memory_order_relaxed);
    atomic_store_explicit(&below[link - 1], oldest, memory_order_relaxed);
    oldest = link;
    link = next;
  }
  uint32_t count = 0;
  for (uint32_t link = oldest; link != 0; count++) {
    uint32_t index = link - 1;
    link = atomic_load_explicit(&below[index], memory_order_relaxed);
    read(memory[index], atomic_load_explicit(&valid_bytes[index], memory_order_relaxed));
    /* CUPTI is promised zeroes, else it would make them on the thread that launches. */
    memset(memory[index], 0, BUFFER_BYTES);
    atomic_fetch_sub_explicit(&lent, 1, memory_order_relaxed);
    give_back(index);
  }
  return count;
}

uint32_t buffers_lent(void) { return atomic_load_explicit(&lent, memory_order_relaxed); }
uint64_t buffers_refused(void) { return atomic_load_explicit(&refused, memory_order_relaxed); }
