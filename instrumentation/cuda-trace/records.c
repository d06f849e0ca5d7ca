/*
 * From CUPTI's records to the ring's: kinds and sizes, and times.
 *
 * CUPTI's times are nanoseconds on the host's clock since 1970; what a record needs are differences, and they are taken
 * here. A start becomes ours by the difference between the two clocks, which is compared anew before each round of
 * reading: that clock is stepped now and then, and ours never is. All of it is called by the worker's thread alone, but
 * for pause_records() and what only reads a counter.
 */
#include "trace.h"

#include <math.h>
#include <string.h>

static int64_t ahead_ns; /* CUPTI's clock less ours */
static uint64_t compared_ns;
static _Atomic uint64_t read_count;
static uint64_t timeless_now, kernels_now;

/* What began in between is not recorded; 0 and 0 before the first pause. */
static _Atomic uint64_t paused_from_ns, paused_to_ns;

static uint32_t u32_at(const uint8_t *record, size_t offset) {
  uint32_t value;
  memcpy(&value, record + offset, sizeof value);
  return value;
}

static uint64_t u64_at(const uint8_t *record, size_t offset) {
  uint64_t value;
  memcpy(&value, record + offset, sizeof value);
  return value;
}

/* Of a few tries the narrowest counts, so that a moment in which the thread was not running does not. */
void compare_clocks(void) {
  uint64_t narrowest = UINT64_MAX;
  for (int attempt = 0; attempt < 3; attempt++) {
    uint64_t theirs;
    uint64_t before = ring_clock_ns();
    if (cupti.timestamp(&theirs) != CUPTI_SUCCESS) return;
    uint64_t after = ring_clock_ns();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    ahead_ns = (int64_t)(theirs - (before + narrowest / 2));
    compared_ns = after;
  }
}

void pause_records(bool paused) {
  uint64_t now_ns = ring_clock_ns();
  if (paused) {
    atomic_store(&paused_to_ns, UINT64_MAX);
    atomic_store(&paused_from_ns, now_ns);
  } else if (atomic_load(&paused_from_ns) != 0) {
    atomic_store(&paused_to_ns, now_ns);
  }
}

static bool in_pause(uint64_t start_ns) {
  uint64_t from = atomic_load_explicit(&paused_from_ns, memory_order_relaxed);
  return from != 0 && start_ns >= from && start_ns < atomic_load_explicit(&paused_to_ns, memory_order_relaxed);
}

/*
 * Fills in the times and adds the record. A start of 0 means that CUPTI could not have it; an end before the start, or a
 * duration longer than we are here, is a clock's or CUPTI's error. Such a thing did run, but how long nobody knows.
 */
static void push(struct ring_record *record, uint64_t start, uint64_t end, uint64_t queued) {
  uint64_t longest = compared_ns - ring_armed_ns() + 1000000000u;
  if (start == 0 || end <= start || end - start > longest) {
    ring_count_invalid();
    if (record->kind == RING_KERNEL) timeless_now++;
    return;
  }
  uint64_t start_ns = start - (uint64_t)ahead_ns;
  uint64_t now_ns = compared_ns + 1000000u; /* it may have ended since the clocks were compared */
  if ((int64_t)(now_ns - start_ns) < (int64_t)(end - start)) start_ns = now_ns - (end - start);
  if (in_pause(start_ns)) return;
  meet_device(record->device);
  record->start = ring_seconds(start_ns);
  record->duration = (double)(end - start) / 1e9;
  bool waited = queued != 0 && queued <= start && start - queued <= longest;
  record->wait = waited ? (double)(start - queued) / 1e9 : NAN;
  ring_push(record);
}

static double volume(const uint8_t *extents) {
  double product = 1;
  for (size_t i = 0; i < 3; i++) product *= (double)(int32_t)u32_at(extents, i * sizeof(int32_t));
  return product;
}

static void read_kernel(const uint8_t *at) {
  struct ring_record record = {
      .kind = RING_KERNEL,
      .device = u32_at(at, KERNEL_DEVICE),
      .queue = u32_at(at, KERNEL_STREAM),
      .correlation = u32_at(at, KERNEL_CORRELATION),
      .amount = volume(at + KERNEL_GRID) * volume(at + KERNEL_BLOCK),
  };
  kernels_now++;
  if (record.device >= RING_DEVICES) return ring_count_invalid();
  const char *name;
  memcpy(&name, at + KERNEL_NAME, sizeof name);
  record.name = kernel_name(name);
  meet_context(u32_at(at, KERNEL_CONTEXT), record.device);
  push(&record, u64_at(at, KERNEL_START), u64_at(at, KERNEL_END), u64_at(at, KERNEL_QUEUED));
}

static bool on_host(uint8_t memory) { return memory == MEMORY_PAGEABLE || memory == MEMORY_PINNED; }

/* 0 for a copy that is no device's: from the host to the host. */
static uint32_t direction_of(const uint8_t *at) {
  switch (at[COPY_KIND]) {
    case MEMCPY_HTOD:
    case MEMCPY_HTOA:
      return RING_HOST_TO_DEVICE;
    case MEMCPY_DTOH:
    case MEMCPY_ATOH:
      return RING_DEVICE_TO_HOST;
    case MEMCPY_PTOP:
      return RING_PEER_TO_PEER;
    case MEMCPY_HTOH:
      return 0;
    case MEMCPY_UNKNOWN: {
      bool from = on_host(at[COPY_SOURCE]), to = on_host(at[COPY_TARGET]);
      if (from != to) return from ? RING_HOST_TO_DEVICE : RING_DEVICE_TO_HOST;
      return from ? 0 : RING_DEVICE_TO_DEVICE;
    }
    default: /* between memory and arrays of one device */
      return RING_DEVICE_TO_DEVICE;
  }
}

static void read_copy(const uint8_t *at, uint32_t kind, size_t correlation) {
  struct ring_record record = {
      .kind = kind,
      .device = u32_at(at, COPY_DEVICE),
      .queue = u32_at(at, COPY_STREAM),
      .correlation = u32_at(at, correlation),
      .amount = (double)u64_at(at, COPY_BYTES),
  };
  if (kind == 0) return;
  if (record.device >= RING_DEVICES) return ring_count_invalid();
  meet_context(u32_at(at, COPY_CONTEXT), record.device);
  push(&record, u64_at(at, COPY_START), u64_at(at, COPY_END), 0);
}

/* Memory of a device, and managed memory, which may lie there; what the host keeps for it is not the device's. */
static void read_allocation(const uint8_t *at) {
  uint32_t kind = u32_at(at, MEMORY_KIND), operation = u32_at(at, MEMORY_OPERATION);
  uint32_t device = u32_at(at, MEMORY_DEVICE);
  if (kind != MEMORY_ON_DEVICE && kind != MEMORY_ARRAY && kind != MEMORY_MANAGED) return;
  if (device >= RING_DEVICES || (operation != MEMORY_ALLOCATED && operation != MEMORY_RELEASED)) return;
  uint64_t time_ns = u64_at(at, MEMORY_TIME) - (uint64_t)ahead_ns;
  if (in_pause(time_ns)) return;
  double bytes = (double)u64_at(at, MEMORY_BYTES);
  struct ring_record record = {
      .kind = RING_ALLOCATION,
      .device = device,
      .correlation = u32_at(at, MEMORY_CORRELATION),
      .start = ring_seconds(time_ns),
      .wait = NAN,
      .amount = operation == MEMORY_ALLOCATED ? bytes : -bytes,
  };
  meet_device(device);
  meet_context(u32_at(at, MEMORY_CONTEXT), device);
  ring_push(&record);
}

static void read_graph(const uint8_t *at) {
  struct ring_record record = {
      .kind = RING_KERNEL,
      .name = ring_name("CUDA graph", sizeof "CUDA graph" - 1),
      .device = u32_at(at, GRAPH_DEVICE),
      .queue = u32_at(at, GRAPH_STREAM),
      .correlation = u32_at(at, GRAPH_CORRELATION),
  };
  kernels_now++;
  if (record.device >= RING_DEVICES) return; /* it began with work of the host */
  push(&record, u64_at(at, GRAPH_START), u64_at(at, GRAPH_END), 0);
}

static void read_record(const uint8_t *at) {
  atomic_fetch_add_explicit(&read_count, 1, memory_order_relaxed);
  switch (u32_at(at, 0)) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
    case CUPTI_ACTIVITY_KIND_KERNEL:
      return read_kernel(at);
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      return read_copy(at, direction_of(at), COPY_CORRELATION);
    case CUPTI_ACTIVITY_KIND_MEMCPY2:
      return read_copy(at, RING_PEER_TO_PEER, PEER_CORRELATION);
    case CUPTI_ACTIVITY_KIND_MEMSET:
      return read_copy(at, RING_FILL, COPY_CORRELATION);
    case CUPTI_ACTIVITY_KIND_MEMORY2:
      return read_allocation(at);
    case CUPTI_ACTIVITY_KIND_GRAPH_TRACE:
      return read_graph(at);
    default:
      return; /* nothing that we asked for */
  }
}

void read_records(uint8_t *buffer, size_t valid) {
  uint8_t *record = NULL;
  while (!process_ends()) {
    uint8_t *before = record;
    int code = cupti.next_record(buffer, valid, &record);
    if (code == CUPTI_ERROR_MAX_LIMIT_REACHED) return; /* that was all */
    /* Going forward, and within the buffer: else we would read what is not ours, or for ever. */
    bool sound = code == CUPTI_SUCCESS && record >= buffer && record < buffer + valid && (before == NULL || record > before);
    if (!sound) {
      if (valid > 0) fault(code, "a buffer that cannot be read");
      return;
    }
    read_record(record);
  }
}

uint64_t records_read(void) { return atomic_load_explicit(&read_count, memory_order_relaxed); }

void take_timeless(uint64_t *timeless, uint64_t *kernels) {
  *timeless = timeless_now;
  *kernels = kernels_now;
  timeless_now = 0;
  kernels_now = 0;
}
