// Preloaded: OpenCL has been initialised before accelmeter could name its layer.
import koffi from 'koffi';

const cl = koffi.load('libOpenCL.so.1');
cl.func('clGetPlatformIDs', 'int', ['uint', 'void *', 'void *'])(0, null, new Uint32Array(1));
