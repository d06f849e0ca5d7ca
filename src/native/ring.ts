/**
 * Drains a tracer's ring: the records that its C part wrote on the driver's threads, in batches, on ours.
 * Layouts and laws are in instrumentation/native-ring/ring.h.
 */
import type { Bound, CallTable } from '../ffi.ts';

export const ringCalls = {
  drain: { symbols: ['accelmeter_ring_drain'], takes: ['memory', 'u32'], gives: 'u32' },
  status: { symbols: ['accelmeter_ring_status'], takes: ['memory'], gives: 'void' },
  name: { symbols: ['accelmeter_ring_name'], takes: ['u32'], gives: 'text' },
  pause: { symbols: ['accelmeter_ring_pause'], takes: ['u32'], gives: 'void' },
  inFlight: { symbols: ['accelmeter_ring_in_flight'], takes: ['u32'], gives: 'u32' },
  claim: { symbols: ['accelmeter_ring_claim'], takes: [], gives: 'u32' },
  unclaim: { symbols: ['accelmeter_ring_unclaim'], takes: [], gives: 'void' },
} as const satisfies CallTable;

/** What a record is of; `ring_kind` in C, where they count from 1. */
export const recordKinds = [
  'kernel',
  'host_to_device',
  'device_to_host',
  'device_to_device',
  'peer_to_peer',
  'compilation',
  'allocation',
  'fill',
] as const;
export type RecordKind = (typeof recordKinds)[number];

/** One thing that a device did. The same object is filled again for each record: nobody keeps it. */
export interface RingRecord {
  kind: RecordKind;
  /** Empty for what has no name; `undefined` where the tracer's table of names was full. */
  name: string | undefined;
  /** The tracer's number of the device. */
  device: number;
  /** The tracer's number of the queue or stream. */
  queue: number;
  /** The driver's code for a failure, 0 for success; on a failure `duration` and `wait` say nothing. */
  error: number;
  /** The driver's number of the call that asked for it, 0 where it tells of none. */
  correlation: number;
  /** In process seconds. */
  start: number;
  /** In seconds. */
  duration: number;
  /** From queued to start, in seconds; `undefined` where the driver does not tell. */
  wait: number | undefined;
  /** Bytes of a copy or fill, work items of a kernel; bytes taken by an allocation, negative where they are given back. */
  amount: number;
}

/** As `ring_state` in C. `inert`: initialised in a process that was not to be traced. */
const states = ['unused', 'armed', 'inert', 'disarmed', 'paused'] as const;

export interface RingStatus {
  readonly state: (typeof states)[number];
  /** Records ever accepted. */
  readonly pushed: number;
  /** Of those, not drained yet. */
  readonly waiting: number;
  /** Records lost because the ring was full. */
  readonly dropped: number;
  /** Things that ran but could not be followed. */
  readonly untraced: number;
  /** Things whose times, as the driver told them, made no sense. */
  readonly invalid: number;
  /** Things followed that have not ended yet. */
  readonly inFlight: number;
  /** Names in the tracer's table. */
  readonly names: number;
  /** How often a name found no place there. */
  readonly otherNames: number;
}

export interface Ring {
  status(): RingStatus;
  /** Things of one device that are followed and have not ended yet. */
  inFlight(device: number): number;
  /**
   * Makes the caller the ring's one reader in this process: two would each see a part. False where there is another.
   * Given back by `unclaim`.
   */
  claim(): boolean;
  unclaim(): void;
  /**
   * Gives each waiting record to `deliver`, oldest first, and stops after `budgetSeconds`, which it may overrun by
   * one batch. True where more wait.
   */
  drain(budgetSeconds: number, deliver: (record: RingRecord) => void): boolean;
  /** Nothing that begins from now on is recorded, or again all of it. What is in flight still is. */
  pause(paused: boolean): void;
}

/** Records moved in one call: enough that the call does not count, and well under a millisecond to deliver. */
const batch = 512;
const words = 14; // 32-bit words of a record
const doubles = 7; // 64-bit words of a record
const statusFields = 10;

/** A ring over the calls of an opened tracer. */
export function createRing(calls: Bound<typeof ringCalls>): Ring {
  const buffer = new ArrayBuffer(batch * doubles * 8);
  const integers = new Int32Array(buffer);
  const reals = new Float64Array(buffer);
  const fields = new Float64Array(statusFields);
  const names: (string | undefined)[] = ['', undefined];
  const record = emptyRecord();
  let origin: number | undefined;

  const nameOf = (id: number) => (id < names.length ? names[id] : learnName(id));
  function learnName(id: number): string | undefined {
    while (names.length <= id) names.push(calls.name(names.length) ?? undefined);
    return names[id];
  }

  function decode(index: number): boolean {
    const word = index * words;
    const kind = recordKinds[(integers[word] ?? 0) - 1];
    if (kind === undefined) return false; // from a newer tracer than we know: it has nothing to tell us
    const real = index * doubles + 3;
    const wait = reals[real + 2] ?? Number.NaN;
    record.kind = kind;
    record.name = nameOf(integers[word + 1] ?? 0);
    record.device = (integers[word + 2] ?? 0) >>> 0;
    record.queue = (integers[word + 3] ?? 0) >>> 0;
    record.error = integers[word + 4] ?? 0;
    record.correlation = (integers[word + 5] ?? 0) >>> 0;
    record.start = (reals[real] ?? 0) + (origin ?? 0);
    record.duration = reals[real + 1] ?? 0;
    record.wait = Number.isNaN(wait) ? undefined : wait;
    record.amount = reals[real + 3] ?? 0;
    return true;
  }

  return {
    status() {
      calls.status(fields);
      return readStatus(fields);
    },
    inFlight: (device) => calls.inFlight(device),
    claim: () => calls.claim() === 1,
    unclaim: () => calls.unclaim(),
    drain(budgetSeconds, deliver) {
      const end = performance.now() + budgetSeconds * 1000;
      for (;;) {
        const moved = calls.drain(reals, batch);
        if (moved > 0) origin ??= originOf(calls, fields);
        for (let index = 0; index < moved; index += 1) if (decode(index)) deliver(record);
        if (moved < batch) return false;
        if (performance.now() >= end) {
          calls.status(fields);
          return readStatus(fields).waiting > 0;
        }
      }
    },
    pause: (paused) => calls.pause(paused ? 1 : 0),
  };
}

/**
 * The process second at which the ring was armed: its clock read between two readings of ours. Of a few tries the
 * narrowest is taken, so that a moment in which the thread was not running does not count.
 */
function originOf(calls: Bound<typeof ringCalls>, fields: Float64Array): number {
  let narrowest = Number.POSITIVE_INFINITY;
  let origin = 0;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const before = performance.now();
    calls.status(fields);
    const after = performance.now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    origin = (before + after) / 2000 - (fields[1] ?? 0);
  }
  return origin;
}

/** The fields of `ring_status` in C, in their order; field 1 is its clock. */
function readStatus(fields: Float64Array): RingStatus {
  const [state = 0, , pushed = 0, waiting = 0, dropped = 0, untraced = 0, invalid = 0, inFlight = 0] = fields;
  const [names = 0, otherNameCount = 0] = fields.subarray(8);
  return {
    state: states[state] ?? 'unused',
    ...{ pushed, waiting, dropped, untraced, invalid, inFlight, names },
    otherNames: otherNameCount,
  };
}

const emptyRecord = (): RingRecord => ({
  kind: 'kernel',
  name: undefined,
  device: 0,
  queue: 0,
  error: 0,
  correlation: 0,
  start: 0,
  duration: 0,
  wait: undefined,
  amount: 0,
});
