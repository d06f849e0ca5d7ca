/*
 * Maps, and migrations of memory objects.
 *
 * On a device with a memory of its own a map brings the region to the host (device to host), unless the program said
 * that it will overwrite it, and an unmap takes a region that could be written back (host to device). What is counted
 * is the region: drivers may move less. Where host and device have one memory nothing moves, and nothing is counted.
 */
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>

/* Regions that are mapped for writing, by where they are mapped, until they are unmapped. */
struct map {
  struct map *below;
  cl_mem memory; /* NULL for shared virtual memory */
  const void *address;
  double bytes;
};
#define CHAINS 1024u
#define MOST_MAPS 65536u /* regions mapped at once; the unmap of one more is not counted as traffic */
static struct map *chains[CHAINS];
static uint32_t map_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct map **chain_of(const void *address) {
  return &chains[((uint64_t)(uintptr_t)address * UINT64_C(0x9E3779B97F4A7C15)) >> 54];
}
static_assert(CHAINS == 1u << (64 - 54), "the hash names a chain");

static void enter(cl_mem memory, const void *address, double bytes) {
  struct map *map = malloc(sizeof *map);
  if (map == NULL) return;
  pthread_mutex_lock(&lock);
  bool has_place = map_count < MOST_MAPS;
  if (has_place) {
    struct map **chain = chain_of(address);
    *map = (struct map){*chain, memory, address, bytes};
    *chain = map;
    map_count++;
  }
  pthread_mutex_unlock(&lock);
  if (!has_place) free(map);
}

void remember_map(cl_command_queue queue, cl_mem memory, const void *address, cl_bitfield flags, double bytes) {
  bool writable = (flags & (CL_MAP_WRITE | CL_MAP_WRITE_INVALIDATE_REGION)) != 0;
  if (writable && address != NULL && queue_moves(queue)) enter(memory, address, bytes);
}

/* What an unmap takes back; negative where the region was not mapped for writing. */
static double take_out(cl_mem memory, const void *address) {
  double bytes = -1;
  pthread_mutex_lock(&lock);
  for (struct map **link = chain_of(address); *link != NULL; link = &(*link)->below) {
    struct map *map = *link;
    if (map->memory != memory || map->address != address) continue;
    *link = map->below;
    bytes = map->bytes;
    free(map);
    map_count--;
    break;
  }
  pthread_mutex_unlock(&lock);
  return bytes;
}

/* Only a map that must show what is there moves bytes. */
void track_map(struct tracking *t, cl_command_queue queue, cl_bitfield flags, double bytes, cl_event *event) {
  if (flags & CL_MAP_WRITE_INVALIDATE_REGION) track_nothing(t, event);
  else track_move(t, queue, RING_DEVICE_TO_HOST, bytes, event);
}

void track_unmap(struct tracking *t, cl_command_queue queue, cl_mem memory, const void *address, cl_event *event) {
  double bytes = queue_moves(queue) ? take_out(memory, address) : -1;
  if (bytes < 0) track_nothing(t, event);
  else track(t, queue, RING_HOST_TO_DEVICE, bytes, event);
}

static void *map_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_bitfield flags, size_t offset,
                        size_t size, cl_uint waits, const cl_event *wait_list, cl_event *event, cl_int *error) {
  cl_int result = CL_SUCCESS;
  struct tracking t;
  track_map(&t, queue, flags, (double)size, event);
  void *address =
      next.clEnqueueMapBuffer(queue, buffer, blocking, flags, offset, size, waits, wait_list, t.out, &result);
  if (result == CL_SUCCESS) remember_map(queue, buffer, address, flags, (double)size);
  tracked(&t, result);
  if (error != NULL) *error = result;
  return address;
}

static void *map_image(cl_command_queue queue, cl_mem image, cl_bool blocking, cl_bitfield flags, const size_t *origin,
                       const size_t *region, size_t *row, size_t *slice, cl_uint waits, const cl_event *wait_list,
                       cl_event *event, cl_int *error) {
  cl_int result = CL_SUCCESS;
  struct tracking t;
  track_map(&t, queue, flags, 0, event);
  void *address = next.clEnqueueMapImage(queue, image, blocking, flags, origin, region, row, slice, waits, wait_list,
                                         t.out, &result);
  if (result == CL_SUCCESS && queue_moves(queue)) {
    double bytes = image_bytes(image, region);
    if (t.on) t.record.amount = bytes;
    remember_map(queue, image, address, flags, bytes);
  }
  tracked(&t, result);
  if (error != NULL) *error = result;
  return address;
}

static cl_int unmap(cl_command_queue queue, cl_mem memory, void *address, cl_uint waits, const cl_event *wait_list,
                    cl_event *event) {
  struct tracking t;
  track_unmap(&t, queue, memory, address, event);
  return tracked(&t, next.clEnqueueUnmapMemObject(queue, memory, address, waits, wait_list, t.out));
}

/* Where to, of a migration; what nobody will read is not moved. */
void track_migration(struct tracking *t, cl_command_queue queue, cl_bitfield flags, cl_event *event) {
  bool to_host = (flags & CL_MIGRATE_MEM_OBJECT_HOST) != 0;
  if (flags & CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED) track_nothing(t, event);
  else track_move(t, queue, to_host ? RING_DEVICE_TO_HOST : RING_HOST_TO_DEVICE, 0, event);
}

static cl_int migrate(cl_command_queue queue, cl_uint count, const cl_mem *objects, cl_bitfield flags, cl_uint waits,
                      const cl_event *wait_list, cl_event *event) {
  struct tracking t;
  track_migration(&t, queue, flags, event);
  cl_int result = next.clEnqueueMigrateMemObjects(queue, count, objects, flags, waits, wait_list, t.out);
  for (cl_uint i = 0; t.on && result == CL_SUCCESS && i < count; i++) t.record.amount += memory_bytes(objects[i]);
  return tracked(&t, result);
}

void hook_maps(struct dispatch *table) {
  table->clEnqueueMapBuffer = map_buffer;
  table->clEnqueueMapImage = map_image;
  table->clEnqueueUnmapMemObject = unmap;
  if (next.clEnqueueMigrateMemObjects != NULL) table->clEnqueueMigrateMemObjects = migrate;
}
