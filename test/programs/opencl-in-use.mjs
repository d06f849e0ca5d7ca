// Preloaded: OpenCL has been initialised before accelmeter could name its layer.
import koffi from 'koffi';

const cl = koffi.load('libOpenCL.so.1');
globalThis.openclInUse = cl; // collected, it would close the library, and whoever opens it next would be the first
cl.func('clGetPlatformIDs', 'int', ['uint', 'void *', 'void *'])(0, null, new Uint32Array(1));
