/** The samples were written by hand after what others have published of these tools: none was printed on a Mac of ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acceleratorsIn, gpuModelsIn, plainName } from './reports.ts';

const sample = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

describe('ioreg', () => {
  const [apple, amd, ...others] = acceleratorsIn(sample('ioreg-written-by-hand.txt'));

  it('names each service, with the id that Metal gives its GPU', () => {
    expect(others).toEqual([]);
    expect([apple?.className, amd?.className]).toEqual([
      'AGXAcceleratorG13X',
      'AMDRadeonX6000_AMDNavi14GraphicsAccelerator',
    ]);
    expect([apple?.registryId, amd?.registryId]).toEqual(['0x100000b1d', '0x1000004c2']);
  });

  it('tells statistics by their whole keys, and each service its own', () => {
    expect(apple?.statistics).toMatchObject({ 'Device Utilization %': 37, 'In use system memory': 1200357376 });
    expect(apple?.statistics['In use system memory (driver)']).toBe(0);
    expect(amd?.statistics).toMatchObject({ 'GPU Activity(%)': 12, 'Temperature(C)': 61, 'Total Power(W)': 24 });
  });

  it('says nothing of a machine without a GPU', () => expect(acceleratorsIn('')).toEqual([]));
});

describe('system_profiler', () => {
  it('names the models', () => {
    const models = gpuModelsIn(sample('system-profiler-written-by-hand.json'));
    expect(models.slice(0, 3)).toEqual(['Apple M1 Pro', 'AMD Radeon Pro 5500M', 'Intel UHD Graphics 630']);
  });

  it('writes a name without marks that Metal writes', () => {
    for (const name of ['Intel(R) UHD Graphics 630', 'Intel(R)  UHD Graphics(TM) 630 ', 'Intel® UHD Graphics 630']) {
      expect(plainName(name)).toBe('Intel UHD Graphics 630');
    }
  });

  it('says nothing of a machine without a GPU', () => {
    expect([gpuModelsIn('{"SPDisplaysDataType": []}'), gpuModelsIn('{}')]).toEqual([[], []]);
  });
});
