/*
 * Which GPU a device number of CUDA is. CUPTI numbers devices as the process sees them, after CUDA_VISIBLE_DEVICES; the
 * UUID is what NVML knows them by as well. It is asked of the driver that the program has loaded: none is loaded by us.
 */
#include "trace.h"
#include "old-glibc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

OLD_GLIBC(dlsym);

RING_EXPORT const char *accelmeter_cuda_device(uint32_t index);

#define UUID_TEXT 48u

static char uuids[RING_DEVICES][UUID_TEXT];
static _Atomic bool met[RING_DEVICES]; /* its UUID, or that it has none, can be read */

struct uuid {
  unsigned char bytes[16];
};

static bool uuid_of(void *cuda, const char *function, int device, struct uuid *uuid) {
  int (*ask)(struct uuid *, int) = NULL;
  *(void **)(&ask) = dlsym(cuda, function);
  return ask != NULL && ask(uuid, device) == 0;
}

/*
 * As NVML writes it: "GPU-" and "MIG-" before the UUID of a GPU or of a part of one. For a part the older call tells the
 * GPU's UUID and the newer its own.
 */
static void describe(uint32_t index, char *text) {
  void *cuda = loaded_cuda();
  if (cuda == NULL) return;
  int (*get)(int *, int) = NULL;
  *(void **)(&get) = dlsym(cuda, "cuDeviceGet");
  int device;
  struct uuid whole, own;
  if (get == NULL || get(&device, (int)index) != 0) return;
  bool has_whole = uuid_of(cuda, "cuDeviceGetUuid", device, &whole);
  if (!uuid_of(cuda, "cuDeviceGetUuid_v2", device, &own)) {
    if (!has_whole) return;
    own = whole;
  }
  bool is_part = has_whole && memcmp(&whole, &own, sizeof own) != 0;
  const unsigned char *b = own.bytes;
  snprintf(text, UUID_TEXT, "%s-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
           is_part ? "MIG" : "GPU", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
           b[13], b[14], b[15]);
}

void meet_device(uint32_t device) {
  if (atomic_load_explicit(&met[device], memory_order_relaxed)) return;
  describe(device, uuids[device]);
  atomic_store_explicit(&met[device], true, memory_order_release);
}

/* The UUID of a device that work was seen of, "" where its driver tells none; NULL for one that was not seen. */
const char *accelmeter_cuda_device(uint32_t index) {
  if (index >= RING_DEVICES || !atomic_load_explicit(&met[index], memory_order_acquire)) return NULL;
  return uuids[index];
}

/* CUPTI numbers contexts from 1; a program has few. Each by its low bits: its number, and 1 + its device below. */
static _Atomic uint64_t contexts[CONTEXTS];

void meet_context(uint32_t context, uint32_t device) {
  uint64_t known = (uint64_t)context << 32 | (device + 1);
  _Atomic uint64_t *place = &contexts[context % CONTEXTS];
  if (atomic_load_explicit(place, memory_order_relaxed) != known) {
    atomic_store_explicit(place, known, memory_order_relaxed);
    place_failures(context, device);
  }
}

int32_t device_of_context(uint32_t context) {
  uint64_t known = atomic_load_explicit(&contexts[context % CONTEXTS], memory_order_relaxed);
  return known != 0 && known >> 32 == context ? (int32_t)((uint32_t)known - 1) : -1;
}
