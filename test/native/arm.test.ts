import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { armOpenclLayer } from '../../src/native/arm.ts';
import { lacks } from '../parts.ts';

describe.skipIf(lacks('cc'))('arming the OpenCL layer', () => {
  const before = { ...process.env };
  beforeEach(async () => {
    await buildNative({ root: new URL('../..', import.meta.url).pathname });
    delete process.env.OPENCL_LAYERS;
  });
  afterEach(() => {
    for (const name of ['OPENCL_LAYERS', 'ACCELMETER_PID']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

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
