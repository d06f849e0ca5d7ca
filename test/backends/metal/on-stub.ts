/** The Metal backend on the stub of macOS, opened for one look; and what is seen of it. */
import type { Activity } from '../../../src/activity.ts';
import type { Reading, Session, SourceState } from '../../../src/backend.ts';
import { metal } from '../../../src/backends/metal/index.ts';
import type { MetalDevice } from '../../../src/metal-device.ts';
import { type RecordingHost, recordingHost } from '../../conformance.ts';
import type { MetalStub, Scenario } from '../../stubs/metal/open.ts';
import { type MetalService, openMetalService } from '../../stubs/metal/service.ts';

export interface Opened {
  readonly session: Session;
  readonly host: RecordingHost;
  /** The first device. */
  readonly device: MetalDevice;
  /** A program that computes on the first device. */
  readonly service: MetalService;
}

/** Opens the backend on a machine, changed by some lines, and closes all of it whatever the look throws. */
export async function withMetal(
  { path, load, apply }: MetalStub,
  [scenario, ...lines]: readonly [Scenario, ...string[]],
  look: (opened: Opened) => unknown,
): Promise<void> {
  load(scenario);
  apply(...lines);
  const host = recordingHost({ metalLibrary: path });
  const session = await metal.open(host);
  const [first] = host.abilities.values();
  if (!first?.metal) throw new Error('the device has nothing of Metal');
  const service = openMetalService(path);
  try {
    await look({ session, host, device: first.metal, service });
  } finally {
    session.close();
    service.close();
    apply('nil none', 'lacks none');
  }
}

export function kernelsOf({ activities }: RecordingHost): Activity[] {
  return activities.map(({ activity }) => activity);
}

/** A reading of a new sample. */
export function readingOf(session: Session, name: Reading['name'], device = 'test-host:metal:0'): number | undefined {
  const sampled = session.sample?.().devices.find((each) => each.device === device);
  const reading = sampled?.readings.find((each) => each.name === name);
  return reading && 'value' in reading ? reading.value : undefined;
}

export function sourceOf(session: Session, name: string): SourceState | undefined {
  return session.sources().find((source) => source.name === name);
}
