/*
 * What CUPTI tells by callbacks, on the program's threads: that it has failed itself, and that CUDA refused memory.
 * Activity records tell of neither. Calls that allocate are rare, so a callback at each costs nothing that is seen; one
 * at each launch would, so a launch that CUDA refuses is not told of.
 */
#include "trace.h"

#include <math.h>
#include <string.h>

/* CUpti_driver_api_trace_cbid: cuMemAlloc_v2, -Pitch_v2, cuArrayCreate_v2, cuArray3DCreate_v2, cuMemAllocManaged,
 * cuMemCreate, cuMemAllocAsync and -FromPoolAsync, each of the two also for per-thread default streams. */
static const uint32_t allocating_calls[] = {243, 244, 272, 274, 371, 549, 598, 599, 611, 612};

void watch_failures(void *subscriber) {
  if (cupti.enable_callback == NULL) return;
  cupti.enable_callback(1, subscriber, CUPTI_CB_DOMAIN_STATE, CUPTI_CBID_STATE_FATAL_ERROR);
  if (!settings.memory) return;
  for (size_t i = 0; i < sizeof allocating_calls / sizeof *allocating_calls && !process_ends(); i++) {
    cupti.enable_callback(1, subscriber, CUPTI_CB_DOMAIN_DRIVER_API, allocating_calls[i]);
  }
}

static void push_failure(uint32_t device, int error) {
  struct ring_record record = {.kind = RING_ALLOCATION,
                               .device = device,
                               .error = error,
                               .start = ring_seconds(ring_clock_ns()),
                               .wait = NAN};
  ring_push(&record);
}

/*
 * Failures in a context of which no record has told yet which device it is on: the code, and how often. Kept until one
 * does, by the context's low bits.
 */
static _Atomic uint64_t unplaced[CONTEXTS];

static void keep(uint32_t context, int error) {
  _Atomic uint64_t *place = &unplaced[context % CONTEXTS];
  uint64_t kept = atomic_load(place), more;
  do {
    if (kept != 0 && (int)(kept >> 32) != error) return ring_count_untraced();
    more = (uint64_t)(uint32_t)error << 32 | ((uint32_t)kept + 1);
  } while (!atomic_compare_exchange_weak(place, &kept, more));
}

void place_failures(uint32_t context, uint32_t device) {
  uint64_t kept = atomic_exchange(&unplaced[context % CONTEXTS], 0);
  for (uint32_t i = 0; i < (uint32_t)kept; i++) push_failure(device, (int)(kept >> 32));
}

static void allocation_ended(const unsigned char *data) {
  uint32_t site, context;
  const int *result;
  memcpy(&site, data + CALLBACK_SITE, sizeof site);
  memcpy(&result, data + CALLBACK_RETURN_VALUE, sizeof result);
  memcpy(&context, data + CALLBACK_CONTEXT_UID, sizeof context);
  if (site != CUPTI_API_EXIT || result == NULL || *result == 0 || !ring_recording()) return;
  int32_t device = device_of_context(context);
  if (device < 0) keep(context, *result);
  else push_failure((uint32_t)device, *result);
}

static _Atomic bool gone;
bool cupti_is_gone(void) { return atomic_load(&gone); }

void called_back(void *userdata, uint32_t domain, uint32_t id, const void *data) {
  (void)userdata;
  if (domain == CUPTI_CB_DOMAIN_STATE) {
    if (id != CUPTI_CBID_STATE_FATAL_ERROR) return;
    /* CUPTI ends itself after that: it is over at once, and CUPTI is not called any more. */
    atomic_store(&gone, true);
    int32_t result = 0;
    if (data != NULL) memcpy(&result, data, sizeof result);
    for (int i = 0; i < 3; i++) fault(result, "a failure of its own");
  } else if (domain == CUPTI_CB_DOMAIN_DRIVER_API && data != NULL) {
    allocation_ended(data);
  }
}
