/** Timestamps that a GPU takes when a pass begins and ends: making room for them, and reading them. */
import type { CounterSampling, TimedPasses } from '../../metal-device.ts';
import { timestampSetOf } from './devices.ts';
import type { Mac } from './driver.ts';
import type { ClockPair } from './gpu-clock.ts';
import type { Ticks } from './times.ts';

const bytesOfTimestamp = 8; // MTLCounterResultTimestamp
const shared = 0; // MTLStorageModeShared: the CPU can read it

/**
 * Room for the two timestamps of one pass; the caller releases it. `undefined` where the device has none. In a pool.
 */
export function newPassSamples(mac: Mac, device: bigint): bigint | undefined {
  const { send } = mac;
  const set = timestampSetOf(mac, device);
  const descriptor = send.makeNew(mac.classNamed('MTLCounterSampleBufferDescriptor'));
  if (descriptor === null) return undefined;
  return mac.releasing(descriptor, () => {
    if (set === undefined) return undefined;
    send.setCounterSet(descriptor, set);
    send.setStorageMode(descriptor, shared);
    send.setSampleCount(descriptor, 2);
    return send.newSampleBuffer(device, descriptor, new BigUint64Array(1)) ?? undefined;
  });
}

/**
 * An encoder of a compute pass, of which the timestamps go into `samples` where the device takes them at the bounds of a
 * stage. In a pool.
 */
export function encoderOf(
  mac: Mac,
  commands: bigint,
  samples: bigint | undefined,
  sampling: CounterSampling | undefined,
): bigint | null {
  const { send } = mac;
  if (samples === undefined || sampling !== 'stage') return send.computeEncoder(commands);
  const pass = send.computePass(mac.classNamed('MTLComputePassDescriptor'));
  const attachments = pass === null ? null : send.sampleAttachments(pass);
  const attachment = attachments === null ? null : send.attachmentAt(attachments, 0);
  if (pass === null || attachment === null) return send.computeEncoder(commands);
  send.setSampleBuffer(attachment, samples);
  send.setStartIndex(attachment, 0);
  send.setEndIndex(attachment, 1);
  return send.computeEncoderOfPass(commands, pass);
}

/** The timestamps of passes that have ended; `undefined` where they cannot be had. In a pool. */
export function readPasses(mac: Mac, { samples, names, first = 0 }: TimedPasses): Ticks[] | undefined {
  const { send } = mac;
  const count = 2 * names.length;
  // Beyond its end the real one throws an exception, which would end the process.
  if (!Number.isInteger(first) || first < 0 || first + count > Number(send.sampleCount(samples))) return undefined;
  const data = send.resolveCounters(samples, { location: first, length: count });
  if (data === null || Number(send.dataLength(data)) < count * bytesOfTimestamp) return undefined;
  const all = new BigUint64Array(count);
  send.dataBytes(data, all, all.byteLength);
  return names.map((_, pass) => ({ start: all[2 * pass] as bigint, end: all[2 * pass + 1] as bigint }));
}

/** Both clocks now. */
export function clocksOf({ send, uptime }: Mac, device: bigint): ClockPair {
  const [cpu, gpu] = [new BigUint64Array(1), new BigUint64Array(1)];
  const before = uptime();
  send.sampleTimestamps(device, cpu, gpu);
  return { uptime: (before + uptime()) / 2, ticks: gpu[0] as bigint };
}
