import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { armCudaTracer, armOpenclLayer } from '../../src/native/arm.ts';
import { lacks } from '../parts.ts';

const variables = ['OPENCL_LAYERS', 'CUDA_INJECTION64_PATH', 'ACCELMETER_CUDA_TRACE', 'ACCELMETER_PID'];
const before = { ...process.env };
beforeEach(async () => {
  await buildNative({ root: new URL('../..', import.meta.url).pathname });
  for (const name of variables) delete process.env[name];
});
afterEach(() => {
  for (const name of variables) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

describe.skipIf(lacks('cc'))('arming the CUDA tracer', () => {
  it('names the tracer and this process, however often it is done', () => {
    const tracer = armCudaTracer();
    expect(tracer).toMatch(/libaccelmeter-cuda-trace\.so$/);
    expect(armCudaTracer()).toBe(tracer);
    expect(process.env.CUDA_INJECTION64_PATH).toBe(tracer);
    expect(process.env.ACCELMETER_PID).toBe(String(process.pid));
  });

  it('leaves another tool where it is', () => {
    process.env.CUDA_INJECTION64_PATH = '/opt/nvidia/libToolsInjection64.so';
    expect(armCudaTracer()).toBeUndefined();
    expect(process.env.CUDA_INJECTION64_PATH).toBe('/opt/nvidia/libToolsInjection64.so');
    expect(process.env.ACCELMETER_PID).toBeUndefined();
  });

  it('takes the place of another copy of itself, which a parent has named', () => {
    process.env.CUDA_INJECTION64_PATH = '/elsewhere/native/libaccelmeter-cuda-trace.so';
    expect(process.env.CUDA_INJECTION64_PATH).not.toBe(armCudaTracer());
    expect(process.env.CUDA_INJECTION64_PATH).toBe(armCudaTracer());
  });

  it.each(['off', 'OFF ', '0', 'false'])('names nothing where ACCELMETER_CUDA_TRACE is %j', (value) => {
    process.env.ACCELMETER_CUDA_TRACE = value;
    expect(armCudaTracer()).toBeUndefined();
    expect(process.env.CUDA_INJECTION64_PATH).toBeUndefined();
  });
});

describe.skipIf(lacks('cc'))('arming the OpenCL layer', () => {
  it('names the layer and this process', () => {
    const layer = armOpenclLayer();
    expect(layer).toMatch(/libaccelmeter-opencl-layer\.so$/);
    expect(process.env.OPENCL_LAYERS).toBe(layer);
    expect(process.env.ACCELMETER_PID).toBe(String(process.pid));
  });

  it('keeps the layers of others, and names ours once', () => {
    process.env.OPENCL_LAYERS = '/opt/a.so:/opt/b.so';
    const layer = armOpenclLayer();
    armOpenclLayer();
    expect(process.env.OPENCL_LAYERS).toBe(`${layer}:/opt/a.so:/opt/b.so`);
  });
});
