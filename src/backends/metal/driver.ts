/**
 * The only file of this room that touches the outside: macOS' frameworks, and how their objects are held and given back.
 *
 * Objects are counted. What we made or copied, or have retained, we release; what was given to us otherwise is good until
 * the innermost autorelease pool is drained. The main thread of Node.js has no pool, so each look at macOS opens one:
 * see `pooled`. Nothing is sent to an object that it might not understand, since that would throw an exception of
 * Objective-C through our frames and end the process.
 */
import { ProbeError } from '../../errors.ts';
import { type Bound, openLibrary } from '../../ffi.ts';
import { coreFoundationCalls, ioKitCalls, metalCalls, runtimeCalls, systemCalls } from './calls.ts';
import { type Message, messages } from './messages.ts';
import { callsOf, type Senders } from './objective-c.ts';

/** Where macOS has them. None is a file any more: dlopen finds them in the cache of the dynamic linker. */
const frameworks = {
  runtime: '/usr/lib/libobjc.A.dylib',
  system: '/usr/lib/libSystem.B.dylib',
  coreFoundation: '/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation',
  foundation: '/System/Library/Frameworks/Foundation.framework/Foundation',
  ioKit: '/System/Library/Frameworks/IOKit.framework/IOKit',
  metal: '/System/Library/Frameworks/Metal.framework/Metal',
} as const;

/** macOS, as far as this room needs it. */
export interface Mac {
  readonly send: Senders<typeof messages>;
  readonly metal: Bound<typeof metalCalls>;
  readonly coreFoundation: Bound<typeof coreFoundationCalls>;
  readonly ioKit: Bound<typeof ioKitCalls>;
  /** Runs with an autorelease pool, which is drained whatever happens. Not for what awaits. */
  pooled<T>(run: () => T): T;
  /** Runs with an object of which the reference is ours, and releases it whatever happens. */
  releasing<T>(object: bigint, run: (object: bigint) => T): T;
  /** Keeps an object beyond the pool; the caller releases it. */
  retained(object: bigint): bigint;
  classNamed(name: string): bigint;
  /** Whether an object understands a message. */
  understands(object: bigint, message: keyof typeof messages): boolean;
  /** The text of a string, and of none. */
  text(string: bigint | null): string | undefined;
  /** A string, good until the pool is drained. */
  string(text: string): bigint;
  /** What macOS said was wrong, where it said so. */
  errorIn(out: BigUint64Array): MacError | undefined;
  describeError(error: bigint): MacError;
  /** Copies so many bytes from memory of the system's into ours. */
  copy(into: NodeJS.TypedArray, from: bigint, byteLength: number): void;
  /** Seconds that the machine has been awake: the clock of Metal's times. */
  uptime(): number;
}

/** An `NSError`. */
export interface MacError {
  readonly domain: string;
  readonly code: number;
  readonly description: string;
}

const onlyMac = 'Metal is a part of macOS';

/** `library` stands for all of the frameworks; by default they are macOS' own. */
export type MacLibrary = string | undefined;

/** Throws a ProbeError `absent` elsewhere than on macOS. */
export function assertMac(library: MacLibrary): void {
  if (library === undefined && process.platform !== 'darwin') throw new ProbeError('absent', onlyMac);
}

const remedy = 'name another library in ACCELMETER_METAL_LIBRARY, or none for macOS’ own';

function opened<T extends Parameters<typeof openLibrary>[0]>(calls: T, framework: string, library: MacLibrary) {
  return openLibrary(calls, library === undefined ? { names: [framework] } : { names: [library], remedy });
}

/** A class of Metal's that there has been since macOS 11, and is once the framework is loaded. */
const classOfMetal = 'MTLComputePassDescriptor';

/**
 * Gives whether this process has loaded Metal, each time it is asked. It loads nothing but the runtime, which a process
 * that has Metal has too.
 */
export function metalWatch(library: MacLibrary): () => boolean {
  const runtime = opened(runtimeCalls, frameworks.runtime, library);
  return () => runtime.classNamed(classOfMetal) !== null;
}

/** Loads the frameworks. Throws a ProbeError `absent` where one is not there. */
export function openMac(library: MacLibrary): Mac {
  const runtime = opened(runtimeCalls, frameworks.runtime, library);
  const system = opened(systemCalls, frameworks.system, library);
  opened({}, frameworks.foundation, library); // its classes
  const send = senders(opened(callsOf(messages), frameworks.runtime, library), runtime);
  const classes = new Map<string, bigint>();
  const selectors = new Map<string, bigint>();
  const uptimeRaw = 8; // CLOCK_UPTIME_RAW: mach_absolute_time in nanoseconds

  function pooled<T>(run: () => T): T {
    const pool = runtime.pushPool();
    try {
      return run();
    } finally {
      runtime.popPool(pool);
    }
  }

  function classNamed(name: string): bigint {
    const known = classes.get(name) ?? runtime.classNamed(name);
    if (known === null) throw new ProbeError('unsupported', `this macOS has no class ${name}`);
    classes.set(name, known);
    return known;
  }

  const text = (string: bigint | null) => (string === null ? undefined : (send.utf8(string) ?? undefined));

  const describeError = (error: bigint): MacError => ({
    domain: text(send.errorDomain(error)) ?? '',
    code: Number(send.errorCode(error)),
    description: text(send.errorDescription(error)) ?? '',
  });

  return {
    send,
    metal: opened(metalCalls, frameworks.metal, library),
    coreFoundation: opened(coreFoundationCalls, frameworks.coreFoundation, library),
    ioKit: opened(ioKitCalls, frameworks.ioKit, library),
    pooled,
    releasing<T>(object: bigint, run: (object: bigint) => T): T {
      try {
        return run(object);
      } finally {
        send.release(object);
      }
    },
    retained(object) {
      send.retain(object);
      return object;
    },
    classNamed,
    understands(object, message) {
      const { selector }: Message = messages[message];
      const known = selectors.get(selector) ?? selectorOf(runtime, selector);
      selectors.set(selector, known);
      return send.responds(object, known) !== 0;
    },
    text,
    string(value) {
      const made = send.stringOf(classNamed('NSString'), value);
      if (made === null) throw new ProbeError('broken', 'macOS made no string');
      return made;
    },
    errorIn: ([error]) => (error === undefined || error === 0n ? undefined : describeError(error)),
    describeError,
    copy: (into, from, byteLength) => void system.copyFrom(into, from, byteLength),
    uptime: () => Number(system.clockNanoseconds(uptimeRaw)) / 1e9,
  };
}

/** Each with its selector, which is looked up once. */
function senders(
  bound: Bound<ReturnType<typeof callsOf<typeof messages>>>,
  runtime: Bound<typeof runtimeCalls>,
): Senders<typeof messages> {
  const all = Object.entries<Message>(messages).map(([name, { selector }]) => {
    const registered = selectorOf(runtime, selector);
    const call = bound[name as keyof typeof messages] as (...values: unknown[]) => unknown;
    return [name, (receiver: bigint, ...values: unknown[]) => call(receiver, registered, ...values)];
  });
  return Object.fromEntries(all) as Senders<typeof messages>;
}

function selectorOf(runtime: Bound<typeof runtimeCalls>, name: string): bigint {
  const selector = runtime.selector(name);
  if (selector === null) throw new ProbeError('broken', `the runtime has no selector ${name}`);
  return selector;
}
