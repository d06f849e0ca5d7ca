/** A program that uses Metal by itself, and gives accelmeter its command buffers: with calls of its own. */
import { type CallTable, openLibrary } from '../../../src/ffi.ts';

const calls = {
  classNamed: { symbols: ['objc_getClass'], takes: ['text'], gives: 'handle' },
  selector: { symbols: ['sel_registerName'], takes: ['text'], gives: 'handle' },
  pushPool: { symbols: ['objc_autoreleasePoolPush'], takes: [], gives: 'handle' },
  popPool: { symbols: ['objc_autoreleasePoolPop'], takes: ['handle'], gives: 'void' },
  copyAllDevices: { symbols: ['MTLCopyAllDevices'], takes: [], gives: 'handle' },
  send: { symbols: ['objc_msgSend'], takes: ['handle', 'handle'], gives: 'handle' },
  sendObject: { symbols: ['objc_msgSend'], takes: ['handle', 'handle', 'handle'], gives: 'handle' },
  sendNumber: { symbols: ['objc_msgSend'], takes: ['handle', 'handle', 'u64'], gives: 'handle' },
  sendOut: { symbols: ['objc_msgSend'], takes: ['handle', 'handle', 'handle', 'memory'], gives: 'handle' },
} as const satisfies CallTable;

export interface MetalService {
  /** A command buffer that has been made, encoded and not committed; the service holds it until `close`. */
  commandBuffer(): bigint;
  /** One of so many passes, each with its timestamps in a buffer of samples. */
  timedCommandBuffer(passes: number): { readonly commands: bigint; readonly samples: bigint };
  commit(commands: bigint): void;
  /** Commits, and waits until the GPU has ended. */
  run(commands: bigint): void;
  /** Gives up what it holds of one. */
  release(object: bigint): void;
  /** Some object that is no command buffer. */
  readonly device: bigint;
  close(): void;
}

/** `device`: its place among all. */
export function openMetalService(library: string, device = 0): MetalService {
  const objc = openLibrary(calls, { names: [library] });
  const selectors = new Map<string, bigint | null>();
  const selector = (name: string) => {
    if (!selectors.has(name)) selectors.set(name, objc.selector(name));
    return selectors.get(name) ?? null;
  };
  const send = (object: bigint, name: string) => objc.send(object, selector(name));
  const sendObject = (to: bigint, name: string, object: bigint) => objc.sendObject(to, selector(name), object);
  const sendNumber = (to: bigint, name: string, number: number) => objc.sendNumber(to, selector(name), number);
  const must = (object: bigint | null) => {
    if (object === null) throw new Error('the stub gave nothing');
    return object;
  };
  const pooled = <T>(run: () => T) => {
    const pool = objc.pushPool();
    try {
      return run();
    } finally {
      objc.popPool(pool);
    }
  };
  const held = new Set<bigint>();
  const hold = (object: bigint) => {
    held.add(object);
    return object;
  };
  const retained = (object: bigint) => hold(must(send(object, 'retain')));
  const sendPooled = (object: bigint, name: string) => void pooled(() => send(object, name));
  const release = (object: bigint) => {
    if (held.delete(object)) sendPooled(object, 'release');
  };
  const { gpu, queue } = pooled(() => {
    const all = must(objc.copyAllDevices());
    const found = retained(must(sendNumber(all, 'objectAtIndex:', device)));
    send(all, 'release');
    return { gpu: found, queue: hold(must(send(found, 'newCommandQueue'))) };
  });

  const newSamples = (count: number) => {
    const descriptor = must(send(must(objc.classNamed('MTLCounterSampleBufferDescriptor')), 'new'));
    const sets = must(send(gpu, 'counterSets'));
    sendObject(descriptor, 'setCounterSet:', must(sendNumber(sets, 'objectAtIndex:', 1)));
    sendNumber(descriptor, 'setSampleCount:', count);
    const made = objc.sendOut(
      gpu,
      selector('newCounterSampleBufferWithDescriptor:error:'),
      descriptor,
      new BigUint64Array(1),
    );
    send(descriptor, 'release');
    return hold(must(made));
  };
  const encodePass = (commands: bigint, samples: bigint, number: number) => {
    const pass = must(send(must(objc.classNamed('MTLComputePassDescriptor')), 'computePassDescriptor'));
    const attachment = must(sendNumber(must(send(pass, 'sampleBufferAttachments')), 'objectAtIndexedSubscript:', 0));
    sendObject(attachment, 'setSampleBuffer:', samples);
    sendNumber(attachment, 'setStartOfEncoderSampleIndex:', 2 * number);
    sendNumber(attachment, 'setEndOfEncoderSampleIndex:', 2 * number + 1);
    send(must(sendObject(commands, 'computeCommandEncoderWithDescriptor:', pass)), 'endEncoding');
  };
  return {
    device: gpu,
    commandBuffer: () => pooled(() => retained(must(send(queue, 'commandBuffer')))),
    timedCommandBuffer: (passes) =>
      pooled(() => {
        const commands = retained(must(send(queue, 'commandBuffer')));
        const samples = newSamples(2 * passes);
        for (let i = 0; i < passes; i++) encodePass(commands, samples, i);
        return { commands, samples };
      }),
    commit: (commands) => sendPooled(commands, 'commit'),
    run(commands) {
      sendPooled(commands, 'commit');
      sendPooled(commands, 'waitUntilCompleted');
    },
    release,
    close() {
      for (const object of [...held].reverse()) release(object);
    },
  };
}
