/**
 * A driver's library, called in a process of its own: one that hangs or crashes does so there. What is called is data, so
 * that the process knows no driver; `instrumentation/driver-process` is its other side, frames.h what they say.
 *
 * Never throws from a listener. Neither the process nor its pipes keep the service alive, unless that is asked for.
 */
import type { Readable } from 'node:stream';
import { ProbeError } from '../errors.ts';
import { prebuiltDriverProcess } from './prebuilt.ts';
import { type Started, start } from './quick-spawn.ts';

/** What is given to a call: a number of 32 bits, the address of an offset in the arena, or the 64 bits that stand there. */
export type DriverArgument = number | { readonly address: number } | { readonly loaded: number };

/** One call of a program. Offsets are into the arena, memory of the process that is zero when it begins. */
export interface DriverCall {
  /** Its place in the list of symbols that `open` was given. */
  readonly function: number;
  readonly arguments: readonly DriverArgument[];
  /** Where it writes, and how much: this comes back. */
  readonly offset: number;
  readonly length: number;
  /** What stands there before the call; zeroes after it. */
  readonly input?: Uint8Array;
  /** In place of zeroes, to see how far it wrote. */
  readonly filler?: number;
  /** So many calls after it are not made where it fails. */
  readonly neededBy?: number;
}

/** What a call gave. */
export interface CallResult {
  /** The driver's code; `notCalled` where the library has none of its symbols, or a call that it needs failed. */
  readonly code: number;
  readonly seconds: number;
  readonly output: Buffer;
}
export const notCalled = -1;

export interface OpenedDriver {
  /** The name that could be opened. */
  readonly library: string;
  /** For each call which of its symbols the library has; `undefined` for none. */
  readonly symbols: readonly (number | undefined)[];
  /** Where the arena begins, for structures that hold an address. */
  readonly arena: bigint;
}

export interface DriverProcess {
  /** Opens the first of the libraries that there is. Rejects with a ProbeError: `absent`, or `broken` with the loader's words. */
  open(names: readonly string[], symbols: readonly (readonly string[])[]): Promise<OpenedDriver>;
  /** Keeps a program under a number from 0 to 63. */
  load(program: number, calls: readonly DriverCall[]): void;
  /** Makes the calls of a program, in their order. Rejects with a ProbeError where the process ends before. */
  run(program: number): Promise<readonly CallResult[]>;
  /** What it is at, whatever the driver does: the index of the call, `undefined` for none, -2 for opening the library. */
  where(): Promise<{ readonly call: number | undefined; readonly seconds: number }>;
  /** How it ended, as the end of a sentence. */
  readonly ended: Promise<string>;
  /** False once it is known that it could not be started. */
  readonly hasBegun: boolean;
  /** Ends it, without waiting: one that hangs in the kernel cannot be ended. */
  end(): void;
  /** Whether the service waits for what was asked. */
  keepAlive(keep: boolean): void;
}

const kinds = { open: 1, program: 2, run: 3, where: 4 } as const;
const argumentKinds = { value: 0, address: 1, loaded: 2 } as const;
const remedy = 'accelmeter build-native';
/** Of what it or its loader said before it ended: as much as stands in a line. */
const mostWords = 200;

/** Starts it. Throws a ProbeError `absent` where it has not been built for this platform. */
export function startDriverProcess(environment: NodeJS.ProcessEnv = process.env): DriverProcess {
  const file = prebuiltDriverProcess();
  if (file === undefined) {
    const message = `accelmeter-driver-process has not been built for ${process.platform}-${process.arch}`;
    throw new ProbeError('absent', message, { remedy });
  }
  return talkTo(start(file, environment));
}

interface Waiting {
  readonly kind: number;
  resolve(answer: Buffer): void;
  reject(error: ProbeError): void;
}

/** What is said to a program that speaks as ours does. */
export function talkTo(child: Started): DriverProcess {
  const waiting: Waiting[] = [];
  /** How much each call of a program writes. */
  const written: number[][] = [];
  let end: string | undefined;
  let isSpoiled = false;
  const ended = whenEnded(child).then((how) => {
    const told = isSpoiled ? 'said what is no answer, and was ended' : how;
    end = told;
    for (const each of waiting.splice(0)) each.reject(lost(told));
    return told;
  });
  readFrames(child.output, {
    take(kind, bytes) {
      const at = waiting.findIndex((each) => each.kind === kind);
      if (at >= 0) waiting.splice(at, 1)[0]?.resolve(bytes);
    },
    refuse() {
      isSpoiled = true;
      child.kill();
    },
  });
  child.keepAlive(false);

  function send(kind: number, bytes: Uint8Array): void {
    if (end === undefined) child.input.write(Buffer.concat([words([bytes.length, kind]), bytes]));
  }
  function ask(kind: number, bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (end !== undefined) return reject(lost(end));
      waiting.push({ kind, resolve, reject });
      send(kind, bytes);
    });
  }

  return {
    ended,
    get hasBegun() {
      return child.hasBegun;
    },
    async open(names, symbols) {
      const lists = [names, ...symbols].map((list) => `${list.map((each) => `${each}\0`).join('')}\0`);
      return openedBy(await ask(kinds.open, padded(Buffer.from(lists.join('')))), names, symbols.length);
    },
    load(program, calls) {
      written[program] = calls.map(({ length }) => length);
      send(kinds.program, Buffer.concat([words([program]), ...calls.map(encoded)]));
    },
    async run(program) {
      const lengths = written[program] ?? [];
      return resultsIn(await ask(kinds.run, words([program])), lengths);
    },
    async where() {
      child.look();
      const answer = await ask(kinds.where, Buffer.alloc(0));
      const call = answer.readInt32LE(0);
      return { call: call === -1 ? undefined : call, seconds: answer.readUInt32LE(4) / 1000 };
    },
    end: () => child.kill(),
    keepAlive: (keep) => child.keepAlive(keep),
  };
}

/** Resolves with how it ended, and the first of what it said before. */
async function whenEnded(child: Started): Promise<string> {
  let said = '';
  child.errors.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, mostWords);
  });
  const how = await child.ended;
  const first = said.trim().split('\n', 1)[0] ?? '';
  return first === '' ? how : `${how}: ${first}`;
}

const lost = (how: string) => new ProbeError('lost', `the process that calls the driver ${how}`);

const answered: readonly number[] = [kinds.open, kinds.run, kinds.where];
/** Bytes of an answer: the arena of the other side has 4 MiB. */
const mostAnswer = 2 ** 23;

/** Of a stream that is not ours, such as the words of a library, nothing further is read. */
function readFrames(
  stream: Readable,
  { take, refuse }: { take(kind: number, bytes: Buffer): void; refuse(): void },
): void {
  let rest: Buffer = Buffer.alloc(0);
  let isRefused = false;
  stream.on('data', (chunk: Buffer) => {
    if (isRefused) return;
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const [length, kind] = [rest.readUInt32LE(0), rest.readUInt32LE(4)];
      if (!answered.includes(kind) || length > mostAnswer || length % 4 !== 0) {
        isRefused = true;
        rest = Buffer.alloc(0);
        return refuse();
      }
      if (rest.length < 8 + length) return;
      take(kind, rest.subarray(8, 8 + length));
      rest = rest.subarray(8 + length);
    }
  });
}

function openedBy(answer: Buffer, names: readonly string[], functions: number): OpenedDriver {
  const arena = answer.readBigUInt64LE(0);
  const [state, ...symbols] = Array.from({ length: functions + 1 }, (_, index) => answer.readInt32LE(8 + 4 * index));
  const text = answer.toString('utf8', 8 + 4 * (functions + 1)).replace(/\0.*$/s, '');
  if (state === 1) throw new ProbeError('absent', `${names.join(', ')} not found`);
  if (state !== 0) throw new ProbeError('broken', `${names[0]} cannot be loaded: ${text}`);
  return { library: text, arena, symbols: symbols.map((which) => (which < 0 ? undefined : which)) };
}

function resultsIn(answer: Buffer, lengths: readonly number[]): CallResult[] {
  let at = 8 * lengths.length;
  return lengths.map((length, index) => {
    const output = answer.subarray(at, at + length);
    at += length;
    return { code: answer.readInt32LE(8 * index), seconds: answer.readUInt32LE(8 * index + 4) / 1e9, output };
  });
}

function encoded(call: DriverCall): Buffer {
  const {
    function: number,
    neededBy = 0,
    offset,
    length,
    filler = 0,
    input = new Uint8Array(),
    arguments: given,
  } = call;
  const head = [number, neededBy, offset, length, filler, input.length, given.length];
  return Buffer.concat([words([...head, ...given.flatMap(wordsOf)]), padded(input)]);
}

function wordsOf(argument: DriverArgument): number[] {
  if (typeof argument === 'number') return [argumentKinds.value, argument];
  if ('address' in argument) return [argumentKinds.address, argument.address];
  return [argumentKinds.loaded, argument.loaded];
}

const words = (numbers: readonly number[]) => Buffer.from(Uint32Array.from(numbers).buffer);
const padded = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
