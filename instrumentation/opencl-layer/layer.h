/*
 * What the files of the layer share. The layer stands between a program and its OpenCL driver: it turns profiling on
 * for the program's queues, follows every command by an event and writes its times into the ring, and otherwise shows
 * the program exactly what it would see without us.
 *
 * Rules: nothing here may fail a call that would have succeeded, block, or touch a handle that the driver has not
 * accepted. What cannot be followed runs all the same and is counted.
 */
#ifndef ACCELMETER_LAYER_H
#define ACCELMETER_LAYER_H

#include "../native-ring/ring.h"
#include "opencl.h"

/* The next layer, or the driver. Entries that the loader does not have are NULL. Constant once hooks can be called. */
extern struct dispatch next;

/* Each file puts its hooks into the table that the program will call through. */
void hook_queues(struct dispatch *table);
void hook_kernels(struct dispatch *table);
void hook_commands(struct dispatch *table);
void hook_images(struct dispatch *table);
void hook_maps(struct dispatch *table);
void hook_svm(struct dispatch *table);
void hook_memory(struct dispatch *table);
void hook_programs(struct dispatch *table);
void hook_failures(struct dispatch *table);

/* devices.c: the index of the root device of `device` (a sub-device counts as its root), or NO_DEVICE. */
#define NO_DEVICE UINT32_MAX
uint32_t device_index(cl_device_id device);
/* Whether host and device have one memory, so that what is mapped or migrated goes nowhere. */
bool device_is_unified(uint32_t index);
/* The roots of some handles, each once; how many there are. */
#define MOST_DEVICES 64u /* of one context or build; one of more is not followed */
uint32_t device_indices(uint32_t count, const cl_device_id *devices, uint32_t *indices);
uint32_t context_devices(cl_context context, uint32_t *indices);

/* queues.c: what is known of a queue that was created while we were armed. */
struct queue_facts {
  uint32_t device;
  uint32_t number; /* 1 and up, never reused */
};
bool find_queue(cl_command_queue queue, struct queue_facts *facts);

/* kernels.c: the ring's name of a kernel. `accepted`: the driver took the handle, so it may be asked about it. */
uint32_t kernel_name(cl_kernel kernel, bool accepted);

/* True where the queue's device has a memory of its own, so that maps and migrations move bytes. False if unknown. */
bool queue_moves(cl_command_queue queue);

/* Bytes of a memory object, and of a region of an image, that the driver has accepted; 0 where it does not tell. */
double memory_bytes(cl_mem memory);
double image_bytes(cl_mem image, const size_t *region);

/* memory.c: tells that a device's memory was taken, or given back where `bytes` is negative. */
void push_allocation(uint32_t device, double bytes, cl_int error);
/* Tells of each device of the context that memory could not be had. */
void push_allocation_failure(cl_context context, cl_int error);

/* failures.c: see there. */
void failure_seen(void);
void look_after_failure(void);

/*
 * Used around each call that enqueues; tracking.c has them. Between the two the hook may fill in `record.name` and
 * `record.amount`, and passes `out` to the driver where the program would have passed its event.
 */
struct tracking {
  bool on;
  bool missed;     /* it should be on, and cannot be */
  cl_event *asked; /* where the program wants its event, or NULL */
  cl_event *out;
  cl_event event;
  uint64_t enqueued_ns;
  struct ring_record record;
};
void track(struct tracking *tracking, cl_command_queue queue, enum ring_kind kind, double amount, cl_event *asked);
/* The same for what only moves bytes where the device has a memory of its own; elsewhere it is let pass. */
void track_move(struct tracking *tracking, cl_command_queue queue, enum ring_kind kind, double amount,
                cl_event *asked);
void track_nothing(struct tracking *tracking, cl_event *asked);
/* Follows the command if the driver took it; gives `result` back. */
cl_int tracked(struct tracking *tracking, cl_int result);

/* maps.c: the same for maps, unmaps and migrations. `memory` is NULL for shared virtual memory. */
void track_map(struct tracking *tracking, cl_command_queue queue, cl_bitfield flags, double bytes, cl_event *asked);
void track_unmap(struct tracking *tracking, cl_command_queue queue, cl_mem memory, const void *address,
                 cl_event *asked);
void track_migration(struct tracking *tracking, cl_command_queue queue, cl_bitfield flags, cl_event *asked);
/* Keeps what was mapped for writing, for its unmap. */
void remember_map(cl_command_queue queue, cl_mem memory, const void *address, cl_bitfield flags, double bytes);

/* Records as failed whatever was followed, has failed, and was not told of. Calls the driver. */
void sweep_failed(void);

/* The size of a box of up to three extents; 0 where the program gave none, which the driver will refuse. */
static inline double volume(const size_t *extents, cl_uint dimensions) {
  if (extents == NULL || dimensions == 0 || dimensions > 3) return 0;
  double product = 1;
  for (cl_uint i = 0; i < dimensions; i++) product *= (double)extents[i];
  return product;
}

#endif
