/*
 * The part of OpenCL that the layer touches, so that building it needs a C compiler and nothing else.
 *
 * Sources: the OpenCL 3.0 specification (values of constants, signatures), the loader's layer interface
 * (clGetLayerInfo, clInitLayer), and the order of the dispatch table, which is the binary interface between loader,
 * layers and drivers. Only ever appended to: a table of an older loader is a shorter one.
 */
#ifndef ACCELMETER_OPENCL_H
#define ACCELMETER_OPENCL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t cl_int;
typedef uint32_t cl_uint;
typedef uint64_t cl_ulong;
typedef cl_uint cl_bool;
typedef cl_ulong cl_bitfield;
typedef cl_ulong cl_queue_properties;

typedef struct opaque_context *cl_context;
typedef struct opaque_device *cl_device_id;
typedef struct opaque_event *cl_event;
typedef struct opaque_kernel *cl_kernel;
typedef struct opaque_mem *cl_mem;
typedef struct opaque_program *cl_program;
typedef struct opaque_queue *cl_command_queue;

/* Only ever handed on. */
typedef struct opaque_image_format cl_image_format;
typedef struct opaque_image_desc cl_image_desc;

enum {
  CL_SUCCESS = 0,
  CL_MEM_OBJECT_ALLOCATION_FAILURE = -4,
  CL_PROFILING_INFO_NOT_AVAILABLE = -7,
  CL_BUILD_PROGRAM_FAILURE = -11,
  CL_COMPILE_PROGRAM_FAILURE = -15,
  CL_LINK_PROGRAM_FAILURE = -17,
  CL_INVALID_VALUE = -30,
  CL_INVALID_DEVICE = -33,
  CL_INVALID_CONTEXT = -34,
  CL_INVALID_PROGRAM = -44,

  CL_COMPLETE = 0x0,
  CL_TRUE = 1,

  CL_BUILD_ERROR = -2, /* a status */

  CL_DEVICE_HOST_UNIFIED_MEMORY = 0x1035,
  CL_DEVICE_PARENT_DEVICE = 0x1042,
  CL_CONTEXT_DEVICES = 0x1081,
  CL_QUEUE_PROPERTIES = 0x1093,
  CL_QUEUE_PROPERTIES_ARRAY = 0x1098,
  CL_MEM_SIZE = 0x1102,
  CL_MEM_ASSOCIATED_MEMOBJECT = 0x1107,
  CL_IMAGE_ELEMENT_SIZE = 0x1111,
  CL_PROGRAM_DEVICES = 0x1163,
  CL_PROGRAM_BUILD_STATUS = 0x1181,
  CL_KERNEL_FUNCTION_NAME = 0x1190,
  CL_KERNEL_REFERENCE_COUNT = 0x1192,
  CL_EVENT_COMMAND_QUEUE = 0x11D0,
  CL_EVENT_COMMAND_EXECUTION_STATUS = 0x11D3,
  CL_PROFILING_COMMAND_QUEUED = 0x1280,
  CL_PROFILING_COMMAND_START = 0x1282,
  CL_PROFILING_COMMAND_END = 0x1283,

  CL_LAYER_API_VERSION = 0x4240,
  CL_LAYER_NAME = 0x4241,
  CL_LAYER_API_VERSION_100 = 100,
};

/* Bits of the value of CL_QUEUE_PROPERTIES. */
#define CL_QUEUE_PROFILING_ENABLE ((cl_bitfield)1 << 1)
#define CL_QUEUE_ON_DEVICE ((cl_bitfield)1 << 2)

/* Bits of flags of memory objects, maps and migrations. */
#define CL_MEM_USE_HOST_PTR ((cl_bitfield)1 << 3)
#define CL_MAP_READ ((cl_bitfield)1 << 0)
#define CL_MAP_WRITE ((cl_bitfield)1 << 1)
#define CL_MAP_WRITE_INVALIDATE_REGION ((cl_bitfield)1 << 2)
#define CL_MIGRATE_MEM_OBJECT_HOST ((cl_bitfield)1 << 0)
#define CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED ((cl_bitfield)1 << 1)

/* The entries that we neither hook nor call are there for their place only. */
struct dispatch {
  /* OpenCL 1.0 */
  void *clGetPlatformIDs, *clGetPlatformInfo, *clGetDeviceIDs;
  cl_int (*clGetDeviceInfo)(cl_device_id, cl_uint, size_t, void *, size_t *);
  void *clCreateContext, *clCreateContextFromType, *clRetainContext, *clReleaseContext;
  cl_int (*clGetContextInfo)(cl_context, cl_uint, size_t, void *, size_t *);
  cl_command_queue (*clCreateCommandQueue)(cl_context, cl_device_id, cl_bitfield, cl_int *);
  cl_int (*clRetainCommandQueue)(cl_command_queue);
  cl_int (*clReleaseCommandQueue)(cl_command_queue);
  cl_int (*clGetCommandQueueInfo)(cl_command_queue, cl_uint, size_t, void *, size_t *);
  cl_int (*clSetCommandQueueProperty)(cl_command_queue, cl_bitfield, cl_bool, cl_bitfield *);
  cl_mem (*clCreateBuffer)(cl_context, cl_bitfield, size_t, void *, cl_int *);
  cl_mem (*clCreateImage2D)(cl_context, cl_bitfield, const cl_image_format *, size_t, size_t, size_t, void *, cl_int *);
  cl_mem (*clCreateImage3D)(cl_context, cl_bitfield, const cl_image_format *, size_t, size_t, size_t, size_t, size_t,
                            void *, cl_int *);
  void *clRetainMemObject, *clReleaseMemObject, *clGetSupportedImageFormats;
  cl_int (*clGetMemObjectInfo)(cl_mem, cl_uint, size_t, void *, size_t *);
  cl_int (*clGetImageInfo)(cl_mem, cl_uint, size_t, void *, size_t *);
  void *clCreateSampler, *clRetainSampler, *clReleaseSampler, *clGetSamplerInfo;
  void *clCreateProgramWithSource, *clCreateProgramWithBinary, *clRetainProgram, *clReleaseProgram;
  cl_int (*clBuildProgram)(cl_program, cl_uint, const cl_device_id *, const char *, void (*)(cl_program, void *), void *);
  void *clUnloadCompiler;
  cl_int (*clGetProgramInfo)(cl_program, cl_uint, size_t, void *, size_t *);
  cl_int (*clGetProgramBuildInfo)(cl_program, cl_device_id, cl_uint, size_t, void *, size_t *);
  cl_kernel (*clCreateKernel)(cl_program, const char *, cl_int *);
  cl_int (*clCreateKernelsInProgram)(cl_program, cl_uint, cl_kernel *, cl_uint *);
  void *clRetainKernel;
  cl_int (*clReleaseKernel)(cl_kernel);
  void *clSetKernelArg;
  cl_int (*clGetKernelInfo)(cl_kernel, cl_uint, size_t, void *, size_t *);
  void *clGetKernelWorkGroupInfo;
  cl_int (*clWaitForEvents)(cl_uint, const cl_event *);
  cl_int (*clGetEventInfo)(cl_event, cl_uint, size_t, void *, size_t *);
  cl_int (*clRetainEvent)(cl_event);
  cl_int (*clReleaseEvent)(cl_event);
  cl_int (*clGetEventProfilingInfo)(cl_event, cl_uint, size_t, void *, size_t *);
  void *clFlush;
  cl_int (*clFinish)(cl_command_queue);
  cl_int (*clEnqueueReadBuffer)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint, const cl_event *,
                                cl_event *);
  cl_int (*clEnqueueWriteBuffer)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *, cl_uint,
                                 const cl_event *, cl_event *);
  cl_int (*clEnqueueCopyBuffer)(cl_command_queue, cl_mem, cl_mem, size_t, size_t, size_t, cl_uint, const cl_event *,
                                cl_event *);
  cl_int (*clEnqueueReadImage)(cl_command_queue, cl_mem, cl_bool, const size_t *, const size_t *, size_t, size_t,
                               void *, cl_uint, const cl_event *, cl_event *);
  cl_int (*clEnqueueWriteImage)(cl_command_queue, cl_mem, cl_bool, const size_t *, const size_t *, size_t, size_t,
                                const void *, cl_uint, const cl_event *, cl_event *);
  cl_int (*clEnqueueCopyImage)(cl_command_queue, cl_mem, cl_mem, const size_t *, const size_t *, const size_t *, cl_uint,
                               const cl_event *, cl_event *);
  cl_int (*clEnqueueCopyImageToBuffer)(cl_command_queue, cl_mem, cl_mem, const size_t *, const size_t *, size_t, cl_uint,
                                       const cl_event *, cl_event *);
  cl_int (*clEnqueueCopyBufferToImage)(cl_command_queue, cl_mem, cl_mem, size_t, const size_t *, const size_t *, cl_uint,
                                       const cl_event *, cl_event *);
  void *(*clEnqueueMapBuffer)(cl_command_queue, cl_mem, cl_bool, cl_bitfield, size_t, size_t, cl_uint, const cl_event *,
                              cl_event *, cl_int *);
  void *(*clEnqueueMapImage)(cl_command_queue, cl_mem, cl_bool, cl_bitfield, const size_t *, const size_t *, size_t *,
                             size_t *, cl_uint, const cl_event *, cl_event *, cl_int *);
  cl_int (*clEnqueueUnmapMemObject)(cl_command_queue, cl_mem, void *, cl_uint, const cl_event *, cl_event *);
  cl_int (*clEnqueueNDRangeKernel)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *,
                                   cl_uint, const cl_event *, cl_event *);
  cl_int (*clEnqueueTask)(cl_command_queue, cl_kernel, cl_uint, const cl_event *, cl_event *);
  void *clEnqueueNativeKernel, *clEnqueueMarker, *clEnqueueWaitForEvents, *clEnqueueBarrier;
  void *clGetExtensionFunctionAddress;
  /* Sharing with OpenGL and Direct3D 10 */
  void *gl[9], *d3d10[6];
  /* OpenCL 1.1 */
  cl_int (*clSetEventCallback)(cl_event, cl_int, void (*)(cl_event, cl_int, void *), void *);
  void *clCreateSubBuffer;
  cl_int (*clSetMemObjectDestructorCallback)(cl_mem, void (*)(cl_mem, void *), void *);
  void *clCreateUserEvent;
  cl_int (*clSetUserEventStatus)(cl_event, cl_int);
  cl_int (*clEnqueueReadBufferRect)(cl_command_queue, cl_mem, cl_bool, const size_t *, const size_t *, const size_t *,
                                    size_t, size_t, size_t, size_t, void *, cl_uint, const cl_event *, cl_event *);
  cl_int (*clEnqueueWriteBufferRect)(cl_command_queue, cl_mem, cl_bool, const size_t *, const size_t *, const size_t *,
                                     size_t, size_t, size_t, size_t, const void *, cl_uint, const cl_event *,
                                     cl_event *);
  cl_int (*clEnqueueCopyBufferRect)(cl_command_queue, cl_mem, cl_mem, const size_t *, const size_t *, const size_t *,
                                    size_t, size_t, size_t, size_t, cl_uint, const cl_event *, cl_event *);
  /* Device fission, events from OpenGL */
  void *fission[3], *clCreateEventFromGLsyncKHR;
  /* OpenCL 1.2 */
  void *clCreateSubDevices, *clRetainDevice, *clReleaseDevice;
  cl_mem (*clCreateImage)(cl_context, cl_bitfield, const cl_image_format *, const cl_image_desc *, void *, cl_int *);
  void *clCreateProgramWithBuiltInKernels;
  cl_int (*clCompileProgram)(cl_program, cl_uint, const cl_device_id *, const char *, cl_uint, const cl_program *,
                             const char **, void (*)(cl_program, void *), void *);
  cl_program (*clLinkProgram)(cl_context, cl_uint, const cl_device_id *, const char *, cl_uint, const cl_program *,
                              void (*)(cl_program, void *), void *, cl_int *);
  void *clUnloadPlatformCompiler, *clGetKernelArgInfo;
  cl_int (*clEnqueueFillBuffer)(cl_command_queue, cl_mem, const void *, size_t, size_t, size_t, cl_uint,
                                const cl_event *, cl_event *);
  cl_int (*clEnqueueFillImage)(cl_command_queue, cl_mem, const void *, const size_t *, const size_t *, cl_uint,
                               const cl_event *, cl_event *);
  cl_int (*clEnqueueMigrateMemObjects)(cl_command_queue, cl_uint, const cl_mem *, cl_bitfield, cl_uint, const cl_event *,
                                       cl_event *);
  void *clEnqueueMarkerWithWaitList, *clEnqueueBarrierWithWaitList;
  void *clGetExtensionFunctionAddressForPlatform, *clCreateFromGLTexture;
  /* Sharing with Direct3D 11, DirectX 9 and EGL */
  void *d3d11[6], *dx9[4], *egl[4];
  /* OpenCL 2.0 */
  cl_command_queue (*clCreateCommandQueueWithProperties)(cl_context, cl_device_id, const cl_queue_properties *,
                                                         cl_int *);
  cl_mem (*clCreatePipe)(cl_context, cl_bitfield, cl_uint, cl_uint, const cl_ulong *, cl_int *);
  void *clGetPipeInfo;
  void *(*clSVMAlloc)(cl_context, cl_bitfield, size_t, cl_uint);
  void (*clSVMFree)(cl_context, void *);
  cl_int (*clEnqueueSVMFree)(cl_command_queue, cl_uint, void **, void (*)(cl_command_queue, cl_uint, void **, void *),
                             void *, cl_uint, const cl_event *, cl_event *);
  cl_int (*clEnqueueSVMMemcpy)(cl_command_queue, cl_bool, void *, const void *, size_t, cl_uint, const cl_event *,
                               cl_event *);
  cl_int (*clEnqueueSVMMemFill)(cl_command_queue, void *, const void *, size_t, size_t, cl_uint, const cl_event *,
                                cl_event *);
  cl_int (*clEnqueueSVMMap)(cl_command_queue, cl_bool, cl_bitfield, void *, size_t, cl_uint, const cl_event *,
                            cl_event *);
  cl_int (*clEnqueueSVMUnmap)(cl_command_queue, void *, cl_uint, const cl_event *, cl_event *);
  void *clCreateSamplerWithProperties, *clSetKernelArgSVMPointer, *clSetKernelExecInfo, *clGetKernelSubGroupInfoKHR;
  /* OpenCL 2.1 */
  cl_kernel (*clCloneKernel)(cl_kernel, cl_int *);
  void *clCreateProgramWithIL;
  cl_int (*clEnqueueSVMMigrateMem)(cl_command_queue, cl_uint, const void **, const size_t *, cl_bitfield, cl_uint,
                                   const cl_event *, cl_event *);
  void *clGetDeviceAndHostTimer, *clGetHostTimer, *clGetKernelSubGroupInfo, *clSetDefaultDeviceCommandQueue;
  /* OpenCL 2.2 */
  void *clSetProgramReleaseCallback, *clSetProgramSpecializationConstant;
  /* OpenCL 3.0. What came later we never look at. */
  cl_mem (*clCreateBufferWithProperties)(cl_context, const cl_ulong *, cl_bitfield, size_t, void *, cl_int *);
  cl_mem (*clCreateImageWithProperties)(cl_context, const cl_ulong *, cl_bitfield, const cl_image_format *,
                                        const cl_image_desc *, void *, cl_int *);
};

#define DISPATCH_INDEX(entry) (offsetof(struct dispatch, entry) / sizeof(void *))
static_assert(DISPATCH_INDEX(clCreateCommandQueue) == 9, "OpenCL 1.0");
static_assert(DISPATCH_INDEX(clEnqueueNDRangeKernel) == 59, "OpenCL 1.0");
static_assert(DISPATCH_INDEX(clSetEventCallback) == 81, "OpenCL 1.1");
static_assert(DISPATCH_INDEX(clEnqueueCopyBufferRect) == 88, "OpenCL 1.1");
static_assert(DISPATCH_INDEX(clEnqueueFillBuffer) == 102, "OpenCL 1.2");
static_assert(DISPATCH_INDEX(clCreateCommandQueueWithProperties) == 123, "OpenCL 2.0");
static_assert(DISPATCH_INDEX(clSVMAlloc) == 126, "OpenCL 2.0");
static_assert(DISPATCH_INDEX(clCloneKernel) == 137, "OpenCL 2.1");
static_assert(DISPATCH_INDEX(clEnqueueSVMMigrateMem) == 139, "OpenCL 2.1");
static_assert(DISPATCH_INDEX(clCreateBufferWithProperties) == 146, "OpenCL 3.0");

#endif
