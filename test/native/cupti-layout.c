/*
 * Compares the numbers and offsets of instrumentation/cuda-trace/cupti.h with CUPTI's own headers, as it is compiled:
 * those of the toolkit, or of the packages that `npm test` unpacks. Each record is compared in every form that the
 * headers know, since a libcupti gives the newest it has.
 */
#include <cupti_activity.h>
#if __has_include(<cupti_activity_deprecated.h>)
#include <cupti_activity_deprecated.h>
#endif
#include <cupti_callbacks.h>
#include <cupti_driver_cbid.h>
#include <cupti_version.h>

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

/* Ours has names that the headers have as well: those of enumerators become other ones. */
#define CUPTI_SUCCESS OUR_SUCCESS
#define CUPTI_ERROR_MAX_LIMIT_REACHED OUR_MAX_LIMIT_REACHED
#define CUPTI_ERROR_NOT_INITIALIZED OUR_NOT_INITIALIZED
#define CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED OUR_MULTIPLE_SUBSCRIBERS
#define CUPTI_ACTIVITY_KIND_MEMCPY OUR_KIND_MEMCPY
#define CUPTI_ACTIVITY_KIND_MEMSET OUR_KIND_MEMSET
#define CUPTI_ACTIVITY_KIND_KERNEL OUR_KIND_KERNEL
#define CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL OUR_KIND_CONCURRENT_KERNEL
#define CUPTI_ACTIVITY_KIND_MEMCPY2 OUR_KIND_MEMCPY2
#define CUPTI_ACTIVITY_KIND_MEMORY2 OUR_KIND_MEMORY2
#define CUPTI_ACTIVITY_KIND_GRAPH_TRACE OUR_KIND_GRAPH_TRACE
#define CUPTI_ACTIVITY_FLAG_FLUSH_FORCED OUR_FLUSH_FORCED
#define CUPTI_CB_DOMAIN_DRIVER_API OUR_DOMAIN_DRIVER_API
#define CUPTI_CB_DOMAIN_STATE OUR_DOMAIN_STATE
#define CUPTI_CBID_STATE_FATAL_ERROR OUR_STATE_FATAL_ERROR
#define CUPTI_API_EXIT OUR_API_EXIT
#include "../../instrumentation/cuda-trace/cupti.h"
#undef CUPTI_SUCCESS
#undef CUPTI_ERROR_MAX_LIMIT_REACHED
#undef CUPTI_ERROR_NOT_INITIALIZED
#undef CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED
#undef CUPTI_ACTIVITY_KIND_MEMCPY
#undef CUPTI_ACTIVITY_KIND_MEMSET
#undef CUPTI_ACTIVITY_KIND_KERNEL
#undef CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL
#undef CUPTI_ACTIVITY_KIND_MEMCPY2
#undef CUPTI_ACTIVITY_KIND_MEMORY2
#undef CUPTI_ACTIVITY_KIND_GRAPH_TRACE
#undef CUPTI_ACTIVITY_FLAG_FLUSH_FORCED
#undef CUPTI_CB_DOMAIN_DRIVER_API
#undef CUPTI_CB_DOMAIN_STATE
#undef CUPTI_CBID_STATE_FATAL_ERROR
#undef CUPTI_API_EXIT

#define SAME(ours, theirs) static_assert((int)(ours) == (int)(theirs), #ours " is " #theirs)
#define AT(ours, type, field)                                                      \
  static_assert((ours) == offsetof(type, field), #ours " is where " #type " has " #field)
#define WIDTH(type, field, bytes) static_assert(sizeof(((type *)0)->field) == (bytes), #type " has a " #field " as wide")

SAME(OUR_SUCCESS, CUPTI_SUCCESS);
SAME(OUR_MAX_LIMIT_REACHED, CUPTI_ERROR_MAX_LIMIT_REACHED);
SAME(OUR_NOT_INITIALIZED, CUPTI_ERROR_NOT_INITIALIZED);
SAME(OUR_MULTIPLE_SUBSCRIBERS, CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED);
SAME(OUR_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMCPY);
SAME(OUR_KIND_MEMSET, CUPTI_ACTIVITY_KIND_MEMSET);
SAME(OUR_KIND_KERNEL, CUPTI_ACTIVITY_KIND_KERNEL);
SAME(OUR_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
SAME(OUR_KIND_MEMCPY2, CUPTI_ACTIVITY_KIND_MEMCPY2);
SAME(OUR_KIND_MEMORY2, CUPTI_ACTIVITY_KIND_MEMORY2);
SAME(OUR_KIND_GRAPH_TRACE, CUPTI_ACTIVITY_KIND_GRAPH_TRACE);
SAME(OUR_FLUSH_FORCED, CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
SAME(ATTRIBUTE_DEVICE_BUFFER_POOL_LIMIT, CUPTI_ACTIVITY_ATTR_DEVICE_BUFFER_POOL_LIMIT);
SAME(ATTRIBUTE_ZEROED_OUT_ACTIVITY_BUFFER, CUPTI_ACTIVITY_ATTR_ZEROED_OUT_ACTIVITY_BUFFER);
SAME(MEMCPY_UNKNOWN, CUPTI_ACTIVITY_MEMCPY_KIND_UNKNOWN);
SAME(MEMCPY_HTOD, CUPTI_ACTIVITY_MEMCPY_KIND_HTOD);
SAME(MEMCPY_DTOH, CUPTI_ACTIVITY_MEMCPY_KIND_DTOH);
SAME(MEMCPY_HTOA, CUPTI_ACTIVITY_MEMCPY_KIND_HTOA);
SAME(MEMCPY_ATOH, CUPTI_ACTIVITY_MEMCPY_KIND_ATOH);
SAME(MEMCPY_HTOH, CUPTI_ACTIVITY_MEMCPY_KIND_HTOH);
SAME(MEMCPY_PTOP, CUPTI_ACTIVITY_MEMCPY_KIND_PTOP);
SAME(MEMORY_PAGEABLE, CUPTI_ACTIVITY_MEMORY_KIND_PAGEABLE);
SAME(MEMORY_PINNED, CUPTI_ACTIVITY_MEMORY_KIND_PINNED);
SAME(MEMORY_ON_DEVICE, CUPTI_ACTIVITY_MEMORY_KIND_DEVICE);
SAME(MEMORY_ARRAY, CUPTI_ACTIVITY_MEMORY_KIND_ARRAY);
SAME(MEMORY_MANAGED, CUPTI_ACTIVITY_MEMORY_KIND_MANAGED);
SAME(MEMORY_ALLOCATED, CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_ALLOCATION);
SAME(MEMORY_RELEASED, CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_RELEASE);
SAME(OUR_DOMAIN_DRIVER_API, CUPTI_CB_DOMAIN_DRIVER_API);
SAME(OUR_API_EXIT, CUPTI_API_EXIT);

/* failures.c has these numbers. */
SAME(243, CUPTI_DRIVER_TRACE_CBID_cuMemAlloc_v2);
SAME(244, CUPTI_DRIVER_TRACE_CBID_cuMemAllocPitch_v2);
SAME(272, CUPTI_DRIVER_TRACE_CBID_cuArrayCreate_v2);
SAME(274, CUPTI_DRIVER_TRACE_CBID_cuArray3DCreate_v2);
SAME(371, CUPTI_DRIVER_TRACE_CBID_cuMemAllocManaged);
SAME(549, CUPTI_DRIVER_TRACE_CBID_cuMemCreate);
SAME(598, CUPTI_DRIVER_TRACE_CBID_cuMemAllocAsync);
SAME(599, CUPTI_DRIVER_TRACE_CBID_cuMemAllocAsync_ptsz);
SAME(611, CUPTI_DRIVER_TRACE_CBID_cuMemAllocFromPoolAsync);
SAME(612, CUPTI_DRIVER_TRACE_CBID_cuMemAllocFromPoolAsync_ptsz);

#define KERNEL(type)                              \
  AT(0, type, kind);                              \
  AT(KERNEL_START, type, start);                  \
  AT(KERNEL_END, type, end);                      \
  AT(KERNEL_DEVICE, type, deviceId);              \
  AT(KERNEL_CONTEXT, type, contextId);            \
  AT(KERNEL_STREAM, type, streamId);              \
  AT(KERNEL_GRID, type, gridX);                   \
  AT(KERNEL_GRID + 8, type, gridZ);               \
  AT(KERNEL_BLOCK, type, blockX);                 \
  AT(KERNEL_BLOCK + 8, type, blockZ);             \
  AT(KERNEL_CORRELATION, type, correlationId);    \
  AT(KERNEL_NAME, type, name);                    \
  AT(KERNEL_QUEUED, type, queued);                \
  WIDTH(type, gridX, 4);                          \
  WIDTH(type, queued, 8)
KERNEL(CUpti_ActivityKernel4);
KERNEL(CUpti_ActivityKernel5);
KERNEL(CUpti_ActivityKernel6);
KERNEL(CUpti_ActivityKernel7);
KERNEL(CUpti_ActivityKernel8);

#define COPY(type)                               \
  AT(0, type, kind);                             \
  AT(COPY_KIND, type, copyKind);                 \
  AT(COPY_SOURCE, type, srcKind);                \
  AT(COPY_TARGET, type, dstKind);                \
  AT(COPY_BYTES, type, bytes);                   \
  AT(COPY_START, type, start);                   \
  AT(COPY_END, type, end);                       \
  AT(COPY_DEVICE, type, deviceId);               \
  AT(COPY_CONTEXT, type, contextId);             \
  AT(COPY_STREAM, type, streamId);               \
  WIDTH(type, copyKind, 1)
#define LOCAL_COPY(type) \
  COPY(type);            \
  AT(COPY_CORRELATION, type, correlationId)
#define PEER_COPY(type) \
  COPY(type);           \
  AT(PEER_CORRELATION, type, correlationId)
LOCAL_COPY(CUpti_ActivityMemcpy3);
LOCAL_COPY(CUpti_ActivityMemcpy4);
LOCAL_COPY(CUpti_ActivityMemcpy5);
PEER_COPY(CUpti_ActivityMemcpyPtoP2);
PEER_COPY(CUpti_ActivityMemcpyPtoP3);
PEER_COPY(CUpti_ActivityMemcpyPtoP4);

#define SET(type)                     \
  AT(0, type, kind);                  \
  AT(COPY_BYTES, type, bytes);        \
  AT(COPY_START, type, start);        \
  AT(COPY_END, type, end);            \
  AT(COPY_DEVICE, type, deviceId);    \
  AT(COPY_CONTEXT, type, contextId);  \
  AT(COPY_STREAM, type, streamId);    \
  AT(COPY_CORRELATION, type, correlationId)
SET(CUpti_ActivityMemset2);
SET(CUpti_ActivityMemset3);
SET(CUpti_ActivityMemset4);

#define MEMORY(type)                                \
  AT(0, type, kind);                                \
  AT(MEMORY_OPERATION, type, memoryOperationType);  \
  AT(MEMORY_KIND, type, memoryKind);                \
  AT(MEMORY_CORRELATION, type, correlationId);      \
  AT(MEMORY_BYTES, type, bytes);                    \
  AT(MEMORY_TIME, type, timestamp);                 \
  AT(MEMORY_DEVICE, type, deviceId);                \
  AT(MEMORY_CONTEXT, type, contextId)
MEMORY(CUpti_ActivityMemory2);
MEMORY(CUpti_ActivityMemory3);

#define GRAPH(type)                            \
  AT(0, type, kind);                           \
  AT(GRAPH_CORRELATION, type, correlationId);  \
  AT(GRAPH_START, type, start);                \
  AT(GRAPH_END, type, end);                    \
  AT(GRAPH_DEVICE, type, deviceId);            \
  AT(GRAPH_STREAM, type, streamId)
GRAPH(CUpti_ActivityGraphTrace);

AT(CALLBACK_SITE, CUpti_CallbackData, callbackSite);
AT(CALLBACK_RETURN_VALUE, CUpti_CallbackData, functionReturnValue);
AT(CALLBACK_CONTEXT_UID, CUpti_CallbackData, contextUid);

/* 18 is CUDA 11.8, 22 is 12.4, 130001 is 13.0. */
#if CUPTI_API_VERSION >= 22
KERNEL(CUpti_ActivityKernel9);
GRAPH(CUpti_ActivityGraphTrace2);
SAME(OUR_DOMAIN_STATE, CUPTI_CB_DOMAIN_STATE);
SAME(OUR_STATE_FATAL_ERROR, CUPTI_CBID_STATE_FATAL_ERROR);
#endif
#if defined(CUDA_VERSION) && CUDA_VERSION >= 13000
KERNEL(CUpti_ActivityKernel10);
LOCAL_COPY(CUpti_ActivityMemcpy6);
MEMORY(CUpti_ActivityMemory4);
#endif

int main(void) {
  printf("%d\n", CUPTI_API_VERSION);
  return 0;
}
