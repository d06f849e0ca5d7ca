/*
 * Command queues: profiling is turned on for each, and the program is shown the queue that it asked for.
 *
 * A table holds what is known of each queue. Lookups, at every enqueue, take no lock; changes do. An entry stays after
 * the program's last release, since events of the queue may still be asked for their times, until its place is needed
 * or its handle comes back as a new queue. When a handle finds no place the queue is left as the program wants it,
 * and its commands are counted as untraced.
 */
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BITS 12
#define TABLE_ENTRIES (1u << TABLE_BITS)
#define WINDOW 16u       /* entries, following the one that the hash names, where a handle may stand */
#define MOST_PROPERTIES 32 /* pairs that a program may give; a longer list is passed on and not traced */

/* The facts of a queue in one word, so that they are read together. */
#define ASKED_PROFILING UINT64_C(1)
#define DEVICE_SHIFT 1
#define DEVICE_BITS 16
#define NUMBER_SHIFT (DEVICE_SHIFT + DEVICE_BITS)

struct entry {
  _Atomic(cl_command_queue) handle; /* NULL: never used, and never NULL again once used */
  _Atomic uint64_t facts;
  /* Under the lock: */
  uint32_t references;             /* the program's; 0: the place may be taken */
  size_t properties_size;          /* in bytes, with the terminating 0; 0 where the program gave no list */
  cl_queue_properties *properties; /* as the program gave them */
};

static struct entry table_of_queues[TABLE_ENTRIES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t last_number;

/* Stands in an entry that was used and is no queue's now. */
static char nobody;
#define NOBODY ((cl_command_queue)(void *)&nobody)

static struct entry *at(cl_command_queue queue, uint32_t step) {
  uint64_t hash = ((uint64_t)(uintptr_t)queue >> 3) * UINT64_C(0x9E3779B97F4A7C15);
  return &table_of_queues[((hash >> (64 - TABLE_BITS)) + step) % TABLE_ENTRIES];
}

static struct entry *find_entry(cl_command_queue queue) {
  if (queue == NULL) return NULL;
  for (uint32_t step = 0; step < WINDOW; step++) {
    struct entry *entry = at(queue, step);
    cl_command_queue handle = atomic_load_explicit(&entry->handle, memory_order_acquire);
    if (handle == queue) return entry;
    if (handle == NULL) return NULL;
  }
  return NULL;
}

static bool find_facts(cl_command_queue queue, uint64_t *facts) {
  if (!ring_armed()) return false;
  struct entry *entry = find_entry(queue);
  if (entry == NULL) return false;
  *facts = atomic_load_explicit(&entry->facts, memory_order_acquire);
  /* Still the same queue's? An entry is taken over only after its queue's last release. */
  return atomic_load_explicit(&entry->handle, memory_order_relaxed) == queue;
}

bool find_queue(cl_command_queue queue, struct queue_facts *facts) {
  uint64_t word;
  if (!find_facts(queue, &word)) return false;
  facts->device = (uint32_t)(word >> DEVICE_SHIFT) & ((1u << DEVICE_BITS) - 1);
  facts->number = (uint32_t)(word >> NUMBER_SHIFT);
  return true;
}

bool queue_moves(cl_command_queue queue) {
  struct queue_facts facts;
  return find_queue(queue, &facts) && !device_is_unified(facts.device);
}

/* A place for a new queue: its handle's earlier one, else one never used, else one whose queue is gone. */
static struct entry *place_for(cl_command_queue queue) {
  struct entry *known = find_entry(queue);
  if (known != NULL) return known;
  struct entry *gone = NULL;
  for (uint32_t step = 0; step < WINDOW; step++) {
    struct entry *entry = at(queue, step);
    if (atomic_load_explicit(&entry->handle, memory_order_relaxed) == NULL) return entry;
    if (gone == NULL && entry->references == 0) gone = entry;
  }
  return gone;
}

/*
 * Enters a queue that runs with profiling; false where there is no place for it. `properties` is the program's own
 * list, or NULL.
 */
static bool enter(cl_command_queue queue, cl_device_id device, bool asked, const cl_queue_properties *properties,
                  size_t properties_size) {
  uint32_t index = device_index(device);
  if (index == NO_DEVICE) return false;
  pthread_mutex_lock(&lock);
  struct entry *entry = place_for(queue);
  if (entry != NULL) {
    uint64_t facts = (uint64_t)++last_number << NUMBER_SHIFT | (uint64_t)index << DEVICE_SHIFT;
    atomic_store_explicit(&entry->handle, NOBODY, memory_order_release);
    atomic_store_explicit(&entry->facts, facts | (asked ? ASKED_PROFILING : 0), memory_order_release);
    free(entry->properties);
    entry->properties = properties_size > 0 ? malloc(properties_size) : NULL;
    entry->properties_size = entry->properties != NULL ? properties_size : 0;
    if (entry->properties != NULL) memcpy(entry->properties, properties, properties_size);
    entry->references = 1;
    atomic_store_explicit(&entry->handle, queue, memory_order_release);
  }
  pthread_mutex_unlock(&lock);
  return entry != NULL;
}

/* A new queue that is not traced must not be taken for an earlier one of the same handle. Gives the queue back. */
static cl_command_queue untraced(cl_command_queue queue) {
  if (!ring_armed()) return queue;
  pthread_mutex_lock(&lock);
  struct entry *entry = find_entry(queue);
  if (entry != NULL) {
    entry->references = 0;
    atomic_store_explicit(&entry->handle, NOBODY, memory_order_release);
  }
  pthread_mutex_unlock(&lock);
  return queue;
}

static cl_command_queue create_queue(cl_context context, cl_device_id device, cl_bitfield properties, cl_int *error) {
  cl_command_queue queue = NULL;
  if (ring_armed()) {
    cl_int ignored;
    queue = next.clCreateCommandQueue(context, device, properties | CL_QUEUE_PROFILING_ENABLE,
                                      error != NULL ? error : &ignored);
  }
  bool asked = (properties & CL_QUEUE_PROFILING_ENABLE) != 0;
  if (queue != NULL) {
    if (enter(queue, device, asked, NULL, 0)) return queue;
    next.clReleaseCommandQueue(queue);
  }
  return untraced(next.clCreateCommandQueue(context, device, properties, error));
}

/*
 * Copies a program's list with profiling turned on in it. `size`: that of the program's list in bytes. False where it
 * cannot be done: the list is too long, or the queue is one on the device, which no host command runs on.
 */
static bool with_profiling(const cl_queue_properties *given, cl_queue_properties *forced, size_t *size, bool *asked) {
  int used = 0;
  bool has_bits = false;
  *asked = false;
  for (; given != NULL && given[used] != 0; used += 2) {
    if (used == 2 * MOST_PROPERTIES) return false;
    forced[used] = given[used];
    forced[used + 1] = given[used + 1];
    if (given[used] != CL_QUEUE_PROPERTIES) continue;
    if (given[used + 1] & CL_QUEUE_ON_DEVICE) return false;
    has_bits = true;
    *asked = (given[used + 1] & CL_QUEUE_PROFILING_ENABLE) != 0;
    forced[used + 1] |= CL_QUEUE_PROFILING_ENABLE;
  }
  *size = given == NULL ? 0 : ((size_t)used + 1) * sizeof *given;
  if (!has_bits) {
    forced[used++] = CL_QUEUE_PROPERTIES;
    forced[used++] = CL_QUEUE_PROFILING_ENABLE;
  }
  forced[used] = 0;
  return true;
}

static cl_command_queue create_queue_with_properties(cl_context context, cl_device_id device,
                                                     const cl_queue_properties *properties, cl_int *error) {
  cl_queue_properties forced[2 * MOST_PROPERTIES + 3];
  size_t size;
  bool asked;
  cl_command_queue queue = NULL;
  if (ring_armed() && with_profiling(properties, forced, &size, &asked)) {
    cl_int ignored;
    queue = next.clCreateCommandQueueWithProperties(context, device, forced, error != NULL ? error : &ignored);
  }
  if (queue != NULL) {
    if (enter(queue, device, asked, properties, size)) return queue;
    next.clReleaseCommandQueue(queue);
  }
  return untraced(next.clCreateCommandQueueWithProperties(context, device, properties, error));
}

/* Adds to the program's count of references, or takes from it. */
static void count_references(cl_command_queue queue, int change) {
  if (!ring_armed()) return;
  pthread_mutex_lock(&lock);
  struct entry *entry = find_entry(queue);
  if (entry != NULL && entry->references > 0) entry->references += (uint32_t)change;
  pthread_mutex_unlock(&lock);
}

static cl_int retain_queue(cl_command_queue queue) {
  cl_int result = next.clRetainCommandQueue(queue);
  if (result == CL_SUCCESS) count_references(queue, 1);
  return result;
}

static cl_int release_queue(cl_command_queue queue) {
  /* Before the release, not after: by then the handle may be another thread's new queue. */
  count_references(queue, -1);
  return next.clReleaseCommandQueue(queue);
}

/* CL_QUEUE_PROPERTIES_ARRAY is answered with the list that the program gave, by the rules of all such queries. */
static cl_int answer_with_given_list(cl_command_queue queue, size_t size, void *value, size_t *size_ret) {
  cl_int result = CL_SUCCESS;
  pthread_mutex_lock(&lock);
  struct entry *entry = find_entry(queue);
  size_t length = entry != NULL ? entry->properties_size : 0;
  if (value != NULL && size < length) {
    result = CL_INVALID_VALUE;
  } else {
    if (value != NULL && length > 0) memcpy(value, entry->properties, length);
    if (size_ret != NULL) *size_ret = length;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static cl_int get_queue_info(cl_command_queue queue, cl_uint name, size_t size, void *value, size_t *size_ret) {
  uint64_t facts;
  if (name == CL_QUEUE_PROPERTIES_ARRAY && find_facts(queue, &facts)) {
    cl_int known = next.clGetCommandQueueInfo(queue, name, 0, NULL, NULL); /* OpenCL 2 does not have it */
    return known == CL_SUCCESS ? answer_with_given_list(queue, size, value, size_ret) : known;
  }
  cl_int result = next.clGetCommandQueueInfo(queue, name, size, value, size_ret);
  if (result == CL_SUCCESS && name == CL_QUEUE_PROPERTIES && value != NULL && find_facts(queue, &facts) &&
      !(facts & ASKED_PROFILING)) {
    cl_bitfield bits;
    memcpy(&bits, value, sizeof bits);
    bits &= ~CL_QUEUE_PROFILING_ENABLE;
    memcpy(value, &bits, sizeof bits);
  }
  return result;
}

/* Of OpenCL 1.0, long deprecated. Profiling stays on whatever the program sets; what it set is what it is shown. */
static cl_int set_queue_property(cl_command_queue queue, cl_bitfield properties, cl_bool enable, cl_bitfield *old) {
  uint64_t facts;
  if (!find_facts(queue, &facts)) return next.clSetCommandQueueProperty(queue, properties, enable, old);
  cl_bitfield before = 0;
  cl_bitfield others = properties & ~CL_QUEUE_PROFILING_ENABLE;
  /* Turning on what is on changes nothing, and tells whether this driver still has the call. */
  cl_int result = next.clSetCommandQueueProperty(queue, CL_QUEUE_PROFILING_ENABLE, CL_TRUE, &before);
  if (result == CL_SUCCESS && others != 0) {
    result = next.clSetCommandQueueProperty(queue, others, enable, &before);
  }
  if (result != CL_SUCCESS) return result;
  if (old != NULL) {
    *old = (before & ~CL_QUEUE_PROFILING_ENABLE) | (facts & ASKED_PROFILING ? CL_QUEUE_PROFILING_ENABLE : 0);
  }
  if (properties & CL_QUEUE_PROFILING_ENABLE) {
    pthread_mutex_lock(&lock);
    struct entry *entry = find_entry(queue);
    if (entry != NULL) {
      uint64_t now = atomic_load(&entry->facts);
      atomic_store(&entry->facts, enable ? now | ASKED_PROFILING : now & ~ASKED_PROFILING);
    }
    pthread_mutex_unlock(&lock);
  }
  return result;
}

/* A program that did not ask for profiling is told that there is none, as it would be without us. */
static cl_int get_event_profiling_info(cl_event event, cl_uint name, size_t size, void *value, size_t *size_ret) {
  cl_command_queue queue = NULL;
  uint64_t facts;
  if (ring_armed() &&
      next.clGetEventInfo(event, CL_EVENT_COMMAND_QUEUE, sizeof queue, &queue, NULL) == CL_SUCCESS &&
      find_facts(queue, &facts) && !(facts & ASKED_PROFILING)) {
    return CL_PROFILING_INFO_NOT_AVAILABLE;
  }
  return next.clGetEventProfilingInfo(event, name, size, value, size_ret);
}

void hook_queues(struct dispatch *table) {
  table->clCreateCommandQueue = create_queue;
  if (next.clCreateCommandQueueWithProperties != NULL) {
    table->clCreateCommandQueueWithProperties = create_queue_with_properties;
  }
  table->clRetainCommandQueue = retain_queue;
  table->clReleaseCommandQueue = release_queue;
  table->clGetCommandQueueInfo = get_queue_info;
  if (next.clSetCommandQueueProperty != NULL) table->clSetCommandQueueProperty = set_queue_property;
  table->clGetEventProfilingInfo = get_event_profiling_info;
}
