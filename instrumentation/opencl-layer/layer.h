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
void hook_programs(struct dispatch *table);

/* devices.c: the index of the root device of `device` (a sub-device counts as its root), or NO_DEVICE. */
#define NO_DEVICE UINT32_MAX
uint32_t device_index(cl_device_id device);

/* queues.c: what is known of a queue that was created while we were armed. */
struct queue_facts {
  uint32_t device;
  uint32_t number;      /* 1 and up, never reused */
  bool asked_profiling; /* by the program itself */
};
bool find_queue(cl_command_queue queue, struct queue_facts *facts);

/* kernels.c: the ring's name of a kernel. `accepted`: the driver took the handle, so it may be asked about it. */
uint32_t kernel_name(cl_kernel kernel, bool accepted);

/*
 * commands.c uses these around each call that enqueues; tracking.c has them. Between the two the hook may fill in
 * `record.name`, and passes `out` to the driver where the program would have passed its event.
 */
struct tracking {
  bool on;
  cl_event *asked; /* where the program wants its event, or NULL */
  cl_event *out;
  cl_event event;
  uint64_t enqueued_ns;
  struct ring_record record;
};
void track(struct tracking *tracking, cl_command_queue queue, enum ring_kind kind, double amount, cl_event *asked);
/* Follows the command if the driver took it; gives `result` back. */
cl_int tracked(struct tracking *tracking, cl_int result);

#endif
