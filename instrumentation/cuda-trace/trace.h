/*
 * What the files of the tracer share. CUDA loads the library named in CUDA_INJECTION64_PATH at a process's first CUDA
 * call; the tracer then asks CUPTI for a record of each kernel, copy and allocation, and writes them into the ring.
 *
 * Rules:
 *  - On the program's threads, where CUPTI asks for buffers and gives them back, nothing is done but to take one from a
 *    list or put one into it: no lock, no allocation, no system call, no call of CUDA. But once, at the first buffer of
 *    all, a handler of exit() is registered there.
 *  - Everything else is done by one thread of ours: it asks CUPTI for what is finished, reads the records and gives
 *    the buffers back. A driver that hangs holds that thread and nobody else.
 *  - What cannot be followed runs all the same and is counted. After three faults the tracer is off for good.
 */
#ifndef ACCELMETER_CUDA_TRACE_H
#define ACCELMETER_CUDA_TRACE_H

#include "../native-ring/ring.h"
#include "cupti.h"

extern struct cupti cupti;

/* How it came out; src/backends/cuda/trace.ts has the same in words. */
enum outcome {
  OUTCOME_UNUSED = 0,       /* CUDA has not been started in this process, or without us */
  OUTCOME_STARTING = 1,
  OUTCOME_TRACING = 2,
  OUTCOME_NO_CUPTI = 3,     /* no libcupti was found */
  OUTCOME_BROKEN_CUPTI = 4, /* one was found that cannot be loaded, or lacks what every CUPTI since CUDA 11 has */
  OUTCOME_SUBSCRIBED = 5,   /* another profiler of this process has CUPTI */
  OUTCOME_REFUSED = 6,      /* CUPTI said no: the code is in `result` */
  OUTCOME_OFF = 7,          /* switched off after three faults */
  OUTCOME_INERT = 8,        /* not the process that is to be traced */
  OUTCOME_ENDED = 9,        /* the process ends */
};
enum outcome outcome(void);
void set_outcome(enum outcome now);

/*
 * What the environment says, read once, by who starts us on a thread of the program's: Node.js writes the environment on
 * the same thread (process.env), and a thread that reads it meanwhile may read what has just been freed.
 */
struct settings {
  bool latency;      /* ACCELMETER_CUDA_LATENCY: also when kernels were queued */
  bool whole_graphs; /* ACCELMETER_CUDA_GRAPHS=whole: a graph is one kernel */
  bool memory;       /* unless ACCELMETER_CUDA_MEMORY=off: allocations */
};
extern struct settings settings;
void read_settings(void);

/* libraries.c: what the environment says of where libraries are, under the same rule; before all below. */
void read_places(void);
/* Finds libcupti and binds it; what is said of it is kept for people. */
enum outcome open_cupti(void);
/* The driver that the program has loaded; NULL where it has not. */
void *loaded_cuda(void);
/* What it says its version is, such as 22 for CUDA 12.4; 0 before it is opened. */
uint32_t cupti_version(void);
/* Words for people about what went wrong, or the path of the library that is used. */
void set_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* subscription.c: asks CUPTI for records. Which kinds it gives is a bit mask in `accelmeter_cuda_status`. */
enum outcome subscribe(void);
void ask_for_records(bool on);
uint32_t kinds_given(void);
int last_result(void);
/*
 * Tells of something that CUPTI should not do, with its result. The third switches the tracer off; one that is ten
 * minutes old is forgotten.
 */
void fault(int result, const char *what);
uint32_t fault_count(void);

/* buffers.c: a fixed pool of buffers, which CUPTI is lent. */
#define BUFFER_BYTES (64u * 1024u)
#define BUFFERS 256u
void buffer_requested(uint8_t **buffer, size_t *size, size_t *most_records);
void buffer_completed(void *context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid);
/* Reads every buffer that has been given back, oldest first, with `read`, and makes it free. How many. */
uint32_t read_completed(void (*read)(uint8_t *buffer, size_t valid));
uint32_t buffers_lent(void);
uint64_t buffers_refused(void);

/* records.c: from CUPTI's records to the ring's. */
void read_records(uint8_t *buffer, size_t valid);
/* The difference between CUPTI's clock and ours, taken anew; before each round of reading. */
void compare_clocks(void);
/* What began from now on, or up to now, is not to be recorded. */
void pause_records(bool paused);
uint64_t records_read(void);
/* Of the kernels read since the call before, how many had no times that can be true; and how many there were. */
void take_timeless(uint64_t *timeless, uint64_t *kernels);

/* names.c: the ring's name of a kernel, from a text that CUPTI shares among all records of that kernel. */
uint32_t kernel_name(const char *mangled);

/* devices.c: makes the UUID of a device known, before the first record of it is in the ring. */
void meet_device(uint32_t device);
/* The device of one of CUPTI's contexts, as far as records have told; -1 where they have not. */
#define CONTEXTS 256u
void meet_context(uint32_t context, uint32_t device);
int32_t device_of_context(uint32_t context);

/* failures.c: allocations that CUDA refused. */
void watch_failures(void *subscriber);
/* Tells of those that waited for the device of their context to be known. */
void place_failures(uint32_t context, uint32_t device);
void called_back(void *userdata, uint32_t domain, uint32_t id, const void *data);
/* True once CUPTI has failed and ended itself. */
bool cupti_is_gone(void);

/* worker.c: the thread. False where it cannot be started. */
bool start_worker(bool set_up_first);
/* Around calls of CUPTI: the end of the process waits for them. False, and nothing may be called, where it has begun. */
bool enter_cupti(void);
void leave_cupti(void);
bool process_ends(void);
/*
 * Has all that end before CUPTI and CUDA take themselves down. They do so in handlers of exit(), which run in the reverse
 * order of their registering: so this is called after each moment at which one of them may have registered one.
 */
void end_before_cupti(void);

/* injection.c */
bool set_up(void);

#endif
