/*
 * The part of CUPTI's interface that is needed, so that no CUDA headers need be installed. Numbers and offsets have
 * been the same since CUDA 11.0; test/native/cupti-layout.c compares them with the real headers.
 *
 * A record's end has grown with each version and is never looked at: records are stepped through by
 * cuptiActivityGetNextRecord alone.
 */
#ifndef ACCELMETER_CUPTI_H
#define ACCELMETER_CUPTI_H

#include <stddef.h>
#include <stdint.h>

/* CUptiResult */
enum {
  CUPTI_SUCCESS = 0,
  CUPTI_ERROR_MAX_LIMIT_REACHED = 12, /* no further record in a buffer; before CUDA 11: there is another subscriber */
  CUPTI_ERROR_NOT_INITIALIZED = 15,   /* the driver is older than this CUPTI, or there is no GPU */
  CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED = 39,
};

/* CUpti_ActivityKind. KERNEL serialises kernels and is never asked for, but is what the same record can be called. */
enum {
  CUPTI_ACTIVITY_KIND_MEMCPY = 1,
  CUPTI_ACTIVITY_KIND_MEMSET = 2,
  CUPTI_ACTIVITY_KIND_KERNEL = 3,
  CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL = 10,
  CUPTI_ACTIVITY_KIND_MEMCPY2 = 22, /* from the memory of one GPU to that of another */
  CUPTI_ACTIVITY_KIND_MEMORY2 = 49, /* since CUDA 11.2 */
  CUPTI_ACTIVITY_KIND_GRAPH_TRACE = 51, /* since CUDA 11.7 */
};

/* CUpti_ActivityKernel4 to 10 */
enum {
  KERNEL_START = 16,
  KERNEL_END = 24,
  KERNEL_DEVICE = 40,
  KERNEL_CONTEXT = 44,
  KERNEL_STREAM = 48,
  KERNEL_GRID = 52,  /* three int32_t */
  KERNEL_BLOCK = 64, /* three int32_t */
  KERNEL_CORRELATION = 92,
  KERNEL_NAME = 104,
  KERNEL_QUEUED = 120,
};

/* CUpti_ActivityMemcpy3 to 6, CUpti_ActivityMemcpyPtoP2 to 4, CUpti_ActivityMemset2 to 4: what they have in common */
enum {
  COPY_KIND = 4,    /* uint8_t; not of a memset */
  COPY_SOURCE = 5,  /* uint8_t; not of a memset */
  COPY_TARGET = 6,  /* uint8_t; not of a memset */
  COPY_BYTES = 8,
  COPY_START = 16,
  COPY_END = 24,
  COPY_DEVICE = 32,
  COPY_CONTEXT = 36,
  COPY_STREAM = 40,
  COPY_CORRELATION = 44, /* not of a copy between GPUs */
  PEER_CORRELATION = 60, /* of a copy between GPUs */
};

/* CUpti_ActivityMemory2 to 4 */
enum {
  MEMORY_OPERATION = 4,
  MEMORY_KIND = 8,
  MEMORY_CORRELATION = 12,
  MEMORY_BYTES = 24,
  MEMORY_TIME = 32,
  MEMORY_DEVICE = 52,
  MEMORY_CONTEXT = 56,
};

/* CUpti_ActivityGraphTrace and 2 */
enum {
  GRAPH_CORRELATION = 4,
  GRAPH_START = 8,
  GRAPH_END = 16,
  GRAPH_DEVICE = 24,
  GRAPH_STREAM = 36,
};

/* CUpti_ActivityMemcpyKind; A is an array, P a peer */
enum {
  MEMCPY_UNKNOWN = 0,
  MEMCPY_HTOD = 1,
  MEMCPY_DTOH = 2,
  MEMCPY_HTOA = 3,
  MEMCPY_ATOH = 4,
  MEMCPY_HTOH = 9,
  MEMCPY_PTOP = 10,
};

/* CUpti_ActivityMemoryKind: the side of a copy, or what was allocated */
enum {
  MEMORY_PAGEABLE = 1,
  MEMORY_PINNED = 2,
  MEMORY_ON_DEVICE = 3,
  MEMORY_ARRAY = 4,
  MEMORY_MANAGED = 5,
};

/* CUpti_ActivityMemoryOperationType */
enum { MEMORY_ALLOCATED = 1, MEMORY_RELEASED = 2 };

/* CUpti_ActivityAttribute */
enum { ATTRIBUTE_DEVICE_BUFFER_POOL_LIMIT = 2, ATTRIBUTE_ZEROED_OUT_ACTIVITY_BUFFER = 5 };

enum { CUPTI_ACTIVITY_FLAG_FLUSH_FORCED = 1 };

/* CUpti_CallbackDomain, and the callbacks that we ask for */
enum { CUPTI_CB_DOMAIN_DRIVER_API = 1, CUPTI_CB_DOMAIN_STATE = 6 };
enum { CUPTI_CBID_STATE_FATAL_ERROR = 1 };
enum { CUPTI_API_EXIT = 1 };

/* CUpti_CallbackData */
enum {
  CALLBACK_SITE = 0,
  CALLBACK_RETURN_VALUE = 24,
  CALLBACK_CONTEXT_UID = 48,
};

typedef void (*cupti_callback)(void *userdata, uint32_t domain, uint32_t id, const void *data);
typedef void (*cupti_buffer_requested)(uint8_t **buffer, size_t *size, size_t *most_records);
typedef void (*cupti_buffer_completed)(void *context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid);

/* What is called of libcupti. From `version` on, entries that a version lacks are NULL. */
struct cupti {
  int (*subscribe)(void **subscriber, cupti_callback callback, void *userdata);
  int (*unsubscribe)(void *subscriber);
  int (*register_callbacks)(cupti_buffer_requested requested, cupti_buffer_completed completed);
  int (*enable)(uint32_t kind);
  int (*disable)(uint32_t kind);
  int (*flush)(uint32_t flag);
  int (*next_record)(uint8_t *buffer, size_t valid, uint8_t **record);
  int (*timestamp)(uint64_t *ns);
  int (*dropped)(void *context, uint32_t stream, size_t *count);
  int (*version)(uint32_t *version);
  int (*set_attribute)(uint32_t attribute, size_t *size, void *value);
  int (*latency_timestamps)(uint8_t on);
  int (*enable_callback)(uint32_t on, void *subscriber, uint32_t domain, uint32_t id);
  int (*result_string)(int result, const char **text);
};

#endif
