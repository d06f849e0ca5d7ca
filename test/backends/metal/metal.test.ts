/** The Metal backend against a stub of macOS' libraries: nothing here has run on a Mac. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../../src/backend.ts';
import { metal } from '../../../src/backends/metal/index.ts';
import type { MetalDevice } from '../../../src/metal-device.ts';
import { conforms, type RecordingHost, recordingHost } from '../../conformance.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { nothingHeld, openMetalStub } from '../../stubs/metal/open.ts';

describe.skipIf(lacks('cc'))('on a stub of macOS', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  const options = { metalLibrary: stub.path };

  beforeEach(() => stub.load('apple-silicon'));
  afterEach(() => expect(stub.held()).toEqual(nothingHeld));

  conforms(metal, options);

  async function opened(): Promise<{ session: Session; host: RecordingHost; device: MetalDevice }> {
    const host = recordingHost(options);
    const session = await metal.open(host);
    const [device] = host.abilities.values();
    if (!device?.metal) throw new Error('no device has abilities of Metal');
    return { session, host, device: device.metal };
  }

  it('knows the GPU of a Mac with Apple silicon', async () => {
    const { session, host, device } = await opened();
    expect([...host.devices.values()]).toEqual([
      {
        ...{ id: 'test-host:metal:0', backend: 'metal', type: 'gpu', index: 0 },
        ...{ name: 'Apple M1 Pro', vendor: 'Apple', driverVersion: 'macOS 14.5.0' },
      },
    ]);
    expect(device.properties).toMatchObject({ registryId: 4294968317n, unifiedMemory: true, counterSampling: 'stage' });
    expect(device.properties.maxThreadsPerThreadgroup).toEqual({ width: 1024, height: 1024, depth: 1024 });
    expect(device.properties.families).toContain('apple7');
    expect(device.properties.families).not.toContain('apple8');
    session.close();
  });
});
