/*
 * Shared virtual memory: the account of its allocations, and the commands on it.
 *
 * Nothing can be asked about an address, so a sorted list of the allocations tells which addresses are shared, how long
 * an allocation is, and where its memory counts. Programs allocate so rarely that a lock does not matter.
 */
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct allocation {
  uintptr_t address;
  size_t size;
  uint32_t count;
  uint32_t *devices;
};
#define MOST_ALLOCATIONS 65536u /* at once; those beyond are not in the account */
static struct allocation *allocations; /* by address */
static uint32_t used, room;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The number of allocations that begin at or before `address`. */
static uint32_t count_up_to(uintptr_t address) {
  uint32_t low = 0, high = used;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (allocations[middle].address <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* The allocation that an address lies in, or NULL. Under the lock. */
static struct allocation *find(const void *address) {
  uint32_t before = count_up_to((uintptr_t)address);
  if (before == 0) return NULL;
  struct allocation *allocation = &allocations[before - 1];
  return (uintptr_t)address - allocation->address < allocation->size ? allocation : NULL;
}

static bool enter(const struct allocation *allocation) {
  if (used == room) {
    uint32_t more = room == 0 ? 64 : room * 2;
    struct allocation *longer = used == MOST_ALLOCATIONS ? NULL : realloc(allocations, more * sizeof *longer);
    if (longer == NULL) return false;
    allocations = longer;
    room = more;
  }
  uint32_t place = count_up_to(allocation->address);
  memmove(&allocations[place + 1], &allocations[place], (used - place) * sizeof *allocations);
  allocations[place] = *allocation;
  used++;
  return true;
}

/* Takes an allocation out of the list; false where its address begins none. */
static bool take_out(const void *address, struct allocation *out) {
  pthread_mutex_lock(&lock);
  struct allocation *found = find(address);
  bool begins = found != NULL && found->address == (uintptr_t)address;
  if (begins) {
    *out = *found;
    used--;
    memmove(found, found + 1, (size_t)(&allocations[used] - found) * sizeof *found);
  }
  pthread_mutex_unlock(&lock);
  return begins;
}

static bool is_shared(const void *address) {
  pthread_mutex_lock(&lock);
  bool found = find(address) != NULL;
  pthread_mutex_unlock(&lock);
  return found;
}

static size_t size_at(const void *address) {
  pthread_mutex_lock(&lock);
  struct allocation *found = find(address);
  size_t size = found == NULL ? 0 : found->size;
  pthread_mutex_unlock(&lock);
  return size;
}

static void *allocate(cl_context context, cl_bitfield flags, size_t size, cl_uint alignment) {
  void *address = next.clSVMAlloc(context, flags, size, alignment);
  if (!ring_armed()) return address;
  bool recording = ring_recording();
  if (address == NULL) {
    /* The call itself gives no reason. */
    if (recording) push_allocation_failure(context, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    return NULL;
  }
  uint32_t devices[MOST_DEVICES];
  struct allocation allocation = {.address = (uintptr_t)address, .size = size};
  allocation.count = recording ? context_devices(context, devices) : 0; /* what a pause hides counts nowhere */
  allocation.devices = malloc((allocation.count + 1) * sizeof *devices);
  bool entered = false;
  if (allocation.devices != NULL) {
    memcpy(allocation.devices, devices, allocation.count * sizeof *devices);
    pthread_mutex_lock(&lock);
    entered = enter(&allocation);
    pthread_mutex_unlock(&lock);
  }
  if (!entered) {
    free(allocation.devices);
    ring_count_untraced();
    return address;
  }
  for (uint32_t i = 0; i < allocation.count; i++) push_allocation(devices[i], (double)size, CL_SUCCESS);
  return address;
}

static void give_up(const struct allocation *allocation) {
  for (uint32_t i = 0; i < allocation->count; i++) {
    push_allocation(allocation->devices[i], -(double)allocation->size, CL_SUCCESS);
  }
  free(allocation->devices);
}

static void release(cl_context context, void *address) {
  struct allocation allocation;
  /* Before the release, not after: by then the address may be another thread's new allocation. */
  if (address != NULL && ring_armed() && take_out(address, &allocation)) give_up(&allocation);
  next.clSVMFree(context, address);
}

/*
 * A release that waits its turn. With a function of the program's own it is that which releases, by clSVMFree or not
 * at all. Without one the memory counts as given back when the driver takes the command: by then nobody may use it.
 */
static cl_int enqueue_release(cl_command_queue queue, cl_uint count, void **addresses,
                              void (*notify)(cl_command_queue, cl_uint, void **, void *), void *user_data,
                              cl_uint waits, const cl_event *wait_list, cl_event *event) {
  cl_int result = CL_SUCCESS;
  struct allocation *taken = NULL;
  uint32_t found = 0;
  if (notify == NULL && addresses != NULL && ring_armed()) taken = calloc(count, sizeof *taken);
  for (cl_uint i = 0; taken != NULL && i < count; i++) found += take_out(addresses[i], &taken[found]);
  result = next.clEnqueueSVMFree(queue, count, addresses, notify, user_data, waits, wait_list, event);
  for (uint32_t i = 0; i < found; i++) {
    bool kept = false;
    if (result != CL_SUCCESS) { /* it is still the program's */
      pthread_mutex_lock(&lock);
      kept = enter(&taken[i]);
      pthread_mutex_unlock(&lock);
    }
    if (!kept) give_up(&taken[i]);
  }
  free(taken);
  return result;
}

static enum ring_kind direction(const void *to, const void *from) {
  if (is_shared(to)) return is_shared(from) ? RING_DEVICE_TO_DEVICE : RING_HOST_TO_DEVICE;
  return is_shared(from) ? RING_DEVICE_TO_HOST : RING_DEVICE_TO_DEVICE; /* neither: all memory is shared */
}

static cl_int copy(cl_command_queue queue, cl_bool blocking, void *to, const void *from, size_t size, cl_uint waits,
                   const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, direction(to, from), (double)size, event);
  return tracked(&t, next.clEnqueueSVMMemcpy(queue, blocking, to, from, size, waits, wait_list, t.out));
}

static cl_int fill(cl_command_queue queue, void *address, const void *pattern, size_t pattern_size, size_t size,
                   cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track(&t, queue, RING_FILL, (double)size, event);
  return tracked(&t, next.clEnqueueSVMMemFill(queue, address, pattern, pattern_size, size, waits, wait_list, t.out));
}

static cl_int map(cl_command_queue queue, cl_bool blocking, cl_bitfield flags, void *address, size_t size,
                  cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track_map(&t, queue, flags, (double)size, event);
  cl_int result = next.clEnqueueSVMMap(queue, blocking, flags, address, size, waits, wait_list, t.out);
  if (result == CL_SUCCESS) remember_map(queue, NULL, address, flags, (double)size);
  return tracked(&t, result);
}

static cl_int unmap(cl_command_queue queue, void *address, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track_unmap(&t, queue, NULL, address, event);
  return tracked(&t, next.clEnqueueSVMUnmap(queue, address, waits, wait_list, t.out));
}

static cl_int migrate(cl_command_queue queue, cl_uint count, const void **addresses, const size_t *sizes,
                      cl_bitfield flags, cl_uint waits, const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track_migration(&t, queue, flags, event);
  cl_int result = next.clEnqueueSVMMigrateMem(queue, count, addresses, sizes, flags, waits, wait_list, t.out);
  for (cl_uint i = 0; t.on && result == CL_SUCCESS && i < count; i++) {
    /* Without sizes, or with 0, whole allocations are meant. */
    t.record.amount += (double)(sizes != NULL && sizes[i] > 0 ? sizes[i] : size_at(addresses[i]));
  }
  return tracked(&t, result);
}

void hook_svm(struct dispatch *table) {
  if (next.clSVMAlloc == NULL || next.clSVMFree == NULL) return; /* before OpenCL 2.0 */
  table->clSVMAlloc = allocate;
  table->clSVMFree = release;
  if (next.clEnqueueSVMFree != NULL) table->clEnqueueSVMFree = enqueue_release;
  if (next.clEnqueueSVMMemcpy != NULL) table->clEnqueueSVMMemcpy = copy;
  if (next.clEnqueueSVMMemFill != NULL) table->clEnqueueSVMMemFill = fill;
  if (next.clEnqueueSVMMap != NULL) table->clEnqueueSVMMap = map;
  if (next.clEnqueueSVMUnmap != NULL) table->clEnqueueSVMUnmap = unmap;
  if (next.clEnqueueSVMMigrateMem != NULL) table->clEnqueueSVMMigrateMem = migrate;
}
