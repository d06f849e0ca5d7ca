/** Each message that gives something gives nothing, one after the other: nobody is hurt, and everything is given back. */
import { describe, expect, it } from 'vitest';
import { metal } from '../../../src/backends/metal/index.ts';
import { type Message, messages } from '../../../src/backends/metal/messages.ts';
import { ProbeError } from '../../../src/errors.ts';
import type { MetalDevice } from '../../../src/metal-device.ts';
import { recordingHost } from '../../conformance.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { type MetalStub, nothingHeld, openMetalStub } from '../../stubs/metal/open.ts';
import { openMetalService } from '../../stubs/metal/service.ts';

/** `retain` gives what it was sent to, always; structures are never nil; without a status nothing ever ends. */
const always = ['retain', 'status'];
const table: Readonly<Record<string, Message>> = messages;
const selectors = Object.values(table)
  .filter(({ selector, gives }) => typeof gives === 'string' && gives !== 'void' && !always.includes(selector))
  .map(({ selector }) => selector);
const functions = [
  'MTLCopyAllDevices',
  'CFStringCreateWithCString',
  'IORegistryEntryIDMatching',
  'PerformanceStatistics',
];

const source = 'kernel void accelmeter_self_test(device float *values) {}';

/** All that a program can do; what it cannot must be said by a ProbeError. */
async function tryEverything({ path, apply }: MetalStub, name: string): Promise<void> {
  const service = openMetalService(path);
  const timed = service.timedCommandBuffer(1);
  service.run(timed.commands);
  apply(`nil ${name}`);
  const host = recordingHost({ metalLibrary: path });
  let device: MetalDevice | undefined;
  try {
    const session = await metal.open(host);
    device = host.abilities.get('test-host:metal:0')?.metal;
    try {
      session.sample?.();
      device?.observeCommandBuffer(timed.commands, 'whole');
      device?.observeCommandBuffer(timed.commands, 'passes', { samples: timed.samples, names: ['pass'] });
      const kernel = device?.compile(source, 'accelmeter_self_test');
      await kernel?.run([new Float32Array(1)], { width: 1 }).finally(() => kernel.close());
    } finally {
      session.close();
    }
  } finally {
    apply('nil none');
    service.close();
  }
}

describe.skipIf(lacks('cc'))('nil', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;

  it('comes of nothing else in this test: all of it goes well', async () => {
    stub.load('apple-silicon');
    await tryEverything(stub, 'none');
    expect(stub.held()).toEqual(nothingHeld);
  });

  it.each([...selectors, ...functions])('from %s', async (name) => {
    stub.load('apple-silicon');
    await tryEverything(stub, name).catch((error) => expect(error).toBeInstanceOf(ProbeError));
    expect(stub.held()).toEqual(nothingHeld);
  });
});
