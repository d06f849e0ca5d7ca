/*
 * The ring between drivers and JavaScript.
 *
 * Drivers tell of finished kernels and copies on threads of their own, where JavaScript must not run. A tracer writes
 * each as one fixed-size record into this ring; JavaScript drains the ring in batches from its own thread.
 *
 * Laws:
 *  - Any number of threads push, one drains. A push never blocks, never allocates and makes no system call.
 *  - The ring is bounded. When it is full the newest record is dropped and counted; nothing is ever overwritten, so
 *    pushed = drained + waiting, and produced = pushed + dropped, exactly.
 *  - All zeroes is the empty ring: the memory is the library's own zero pages, touched only as it is used.
 *  - Records come out in the order in which their slots were claimed. A thread that is suspended between claiming and
 *    publishing holds back those behind it until it goes on (they wait, or are dropped and counted once the ring is
 *    full); none is read half-written.
 *  - One reader at a time: who drains claims the ring first, so that two do not each see a part.
 *  - In the child of a fork() the ring is disarmed, for good: the child shares neither threads nor reader with us.
 *
 * Each tracer is a library that contains its own ring. `ring_…` is for the tracer; `accelmeter_ring_…` is exported
 * and called from JavaScript.
 */
#ifndef ACCELMETER_RING_H
#define ACCELMETER_RING_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_EXPORT __attribute__((visibility("default")))

/* Records that can wait, a power of two. At 64 bytes each, 4 MiB of address space. */
#define RING_CAPACITY_BITS 16
#define RING_CAPACITY (UINT64_C(1) << RING_CAPACITY_BITS)

enum ring_kind {
  RING_KERNEL = 1,
  RING_HOST_TO_DEVICE = 2,
  RING_DEVICE_TO_HOST = 3,
  RING_DEVICE_TO_DEVICE = 4,
  RING_PEER_TO_PEER = 5,
  RING_COMPILATION = 6,
  RING_ALLOCATION = 7, /* memory of the device taken or given back; has no times but `start` */
  RING_FILL = 8,       /* memory of the device set to a value or a pattern: JavaScript counts it as device to device */
};

/*
 * One thing that a device did. Laid out so that JavaScript reads it through a Uint32Array and a Float64Array over the
 * same buffer, with no 64-bit integer: differences of nanosecond clocks are taken here, in C.
 */
struct ring_record {
  uint32_t kind;   /* enum ring_kind */
  uint32_t name;   /* from ring_name(); 0 where the thing has no name */
  uint32_t device; /* the tracer's index of the device */
  uint32_t queue;  /* the tracer's number of the queue or stream, 0 where there is none */
  int32_t error;   /* the driver's code for a failure, 0 for success; on a failure the times but `start` are not read */
  uint32_t correlation; /* the driver's number of the call that asked for it, 0 where it tells of none */
  double start;    /* seconds since the ring was armed, on CLOCK_MONOTONIC */
  double duration; /* seconds */
  double wait;     /* seconds from queued to start; NaN where the driver does not tell */
  double amount;   /* bytes of a copy or fill, work items of a kernel; bytes taken, negative where given back */
};
static_assert(sizeof(struct ring_record) == 56, "JavaScript reads records at a stride of 56 bytes");

enum ring_state {
  RING_UNUSED = 0,   /* no driver has initialised the tracer */
  RING_ARMED = 1,    /* records are being made */
  RING_INERT = 2,    /* initialised in a process that was not to be traced: a child, a stranger */
  RING_DISARMED = 3, /* this is the child of a fork() */
  RING_PAUSED = 4,   /* armed, and told to record nothing for now */
};

/* What accelmeter_ring_status writes, in this order; counts are doubles so that JavaScript reads them directly. */
struct ring_status {
  double state;       /* enum ring_state */
  double now;         /* seconds since the ring was armed, the scale of ring_record.start */
  double pushed;      /* records ever accepted */
  double waiting;     /* of those, not yet drained */
  double dropped;     /* records lost because the ring was full */
  double untraced;    /* things that ran but could not be followed: no memory, a table full, the driver refused */
  double invalid;     /* records not made because the driver's times made no sense */
  double in_flight;   /* things followed that have not ended yet */
  double names;       /* names in the table */
  double other_names; /* attempts to name something after the table was full */
};

/* ---- for tracers ---- */

/* Starts recording: sets the base of times and, once, the hook that disarms children. */
void ring_arm(void);

/*
 * True where ACCELMETER_PID names this very process: the one that is to be traced. Children inherit the environment,
 * but not the pid.
 */
bool ring_meant_for_this_process(void);

/* Says that the tracer was initialised but is not to record in this process. */
void ring_mark_inert(void);

/*
 * True between ring_arm() and a fork(), also while paused: what a tracer knows of the program's handles must be kept up
 * to date all the time. Cheap enough for every hook to ask.
 */
bool ring_armed(void);

/* True while it is armed and not paused: what the program begins now is to be followed. As cheap. */
bool ring_recording(void);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t ring_clock_ns(void);

/* A moment of ring_clock_ns() as seconds since the ring was armed. */
double ring_seconds(uint64_t clock_ns);

/* Appends a record. False: the ring was full, and the loss is counted. */
bool ring_push(const struct ring_record *record);

/* Account of things followed from their submission to their end, by device; devices from RING_DEVICES on share one. */
#define RING_DEVICES 256u
void ring_begun(uint32_t device);
void ring_ended(uint32_t device);

void ring_count_untraced(void);
void ring_count_invalid(void);

/* When it was armed, in nanoseconds of ring_clock_ns(). */
uint64_t ring_armed_ns(void);

/* Names: at most 4096, each of at most 1023 bytes (longer ones are cut there), 512 KiB in all. */
#define RING_NAMES 4096u
#define RING_NAME_BYTES 1023u
#define RING_NAME_NONE 0u
/* What ring_name() gives once the table is full. Its text is empty: the reader has its own word for "others". */
#define RING_NAME_OTHER 1u

/* The id of a name, the same for the same bytes. Takes a lock: not for hot paths. */
uint32_t ring_name(const char *bytes, size_t length);

/* ---- for JavaScript ---- */

/* Makes the caller the reader: 1, or 0 where there is one already. Given back by accelmeter_ring_unclaim. */
RING_EXPORT uint32_t accelmeter_ring_claim(void);
RING_EXPORT void accelmeter_ring_unclaim(void);

/* Moves up to `capacity` waiting records to `out`, oldest first; the number moved. A second reader at once gets 0. */
RING_EXPORT uint32_t accelmeter_ring_drain(struct ring_record *out, uint32_t capacity);

RING_EXPORT void accelmeter_ring_status(struct ring_status *out);

/*
 * Nothing that begins from now on is followed, or again all of it. What is in flight at a pause is still recorded when
 * it ends. May be called before the ring is armed. Idempotent.
 */
RING_EXPORT void accelmeter_ring_pause(uint32_t paused);

/* Things of one device that are followed and have not ended yet. */
RING_EXPORT uint32_t accelmeter_ring_in_flight(uint32_t device);

/* The text of an id, NUL-terminated and never freed; NULL for an id that was never given out. */
RING_EXPORT const char *accelmeter_ring_name(uint32_t id);

#endif
