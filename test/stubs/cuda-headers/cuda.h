/*
 * The names of CUDA's types that CUPTI's headers mention, for machines that have those headers and not CUDA's: Debian
 * puts the latter into a package of 770 MB. Sizes are right where a record of CUPTI contains one.
 */
#ifndef ACCELMETER_STUB_CUDA_H
#define ACCELMETER_STUB_CUDA_H

#include <stddef.h>
#include <stdint.h>

typedef int CUdevice;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphNode_st *CUgraphNode;
typedef struct CUgraphExec_st *CUgraphExec;
typedef uint64_t CUdeviceptr;
typedef uint32_t CUdevice_attribute;
typedef uint32_t CUgraphNodeType;
typedef uint32_t CUstreamAttrID;
typedef union CUstreamAttrValue_union CUstreamAttrValue;
typedef struct CUaccessPolicyWindow_st CUaccessPolicyWindow;
typedef uint32_t CUstreamCaptureStatus;
typedef uint32_t CUresult;
typedef struct {
  char bytes[16];
} CUuuid;

#endif
