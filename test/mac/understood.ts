/** Whether macOS' objects understand what we say to them: asked of one of each kind, before it is told anything. */
import assert from 'node:assert/strict';
import { timestampSetOf } from '../../src/backends/metal/devices.ts';
import type { Mac } from '../../src/backends/metal/driver.ts';
import { messages } from '../../src/backends/metal/messages.ts';
import { newPassSamples } from '../../src/backends/metal/passes.ts';

export type MessageName = keyof typeof messages;

/** Which rows of the message table go to which kind of object. A row may go to more than one. */
const rows = {
  object: ['retain', 'release', 'responds'],
  class: ['makeNew'],
  classOfStrings: ['stringOf'],
  string: ['utf8'],
  array: ['count', 'objectAt'],
  error: ['errorCode', 'errorDomain', 'errorDescription'],
  data: ['dataLength', 'dataBytes'],
  classOfProcessInfo: ['processInfo'],
  processInfo: ['thermalState', 'systemVersion'],
  device: [
    ...(['name', 'registryId', 'hasUnifiedMemory', 'isLowPower', 'isRemovable', 'isHeadless'] as const),
    ...(['recommendedMaxWorkingSetSize', 'currentAllocatedSize', 'supportsFamily'] as const),
    ...(['maxThreadsPerThreadgroup', 'supportsCounterSampling', 'counterSets', 'sampleTimestamps'] as const),
    ...(['newSampleBuffer', 'newCommandQueue', 'newLibrary', 'newPipeline', 'newBuffer'] as const),
  ],
  library: ['newFunction'],
  pipeline: ['mostThreadsOfPipeline', 'threadExecutionWidth'],
  buffer: ['contents'],
  queue: ['commandBuffer'],
  commands: [
    ...(['device', 'commit', 'status', 'error', 'gpuStartTime', 'gpuEndTime', 'kernelStartTime'] as const),
    ...(['kernelEndTime', 'computeEncoder', 'computeEncoderOfPass'] as const),
  ],
  encoder: ['setPipeline', 'setBuffer', 'dispatchThreads', 'sampleCounters', 'endEncoding'],
  classOfPasses: ['computePass'],
  pass: ['sampleAttachments'],
  attachments: ['attachmentAt'],
  attachment: ['setSampleBuffer', 'setStartIndex', 'setEndIndex'],
  descriptor: ['setCounterSet', 'setSampleCount', 'setStorageMode'],
  counterSet: ['name'],
  samples: ['sampleCount', 'resolveCounters'],
} as const satisfies Record<string, readonly MessageName[]>;

const source = 'kernel void accelmeter_self_test(device float *values [[buffer(0)]]) { values[0] = 1; }';

/** Gives the rows that were asked about; throws an AssertionError with the selector that an object does not understand. */
export function understood(mac: Mac): ReadonlySet<MessageName> {
  const asked = new Set<MessageName>();
  const held: bigint[] = [];
  /** The object, once it has been found to understand what is sent to its kind. */
  function check(kind: keyof typeof rows, object: bigint | null): bigint {
    assert.ok(object !== null, `there is no ${kind}`);
    for (const name of rows[kind]) {
      assert.ok(mac.understands(object, name), `a ${kind} does not understand ${messages[name].selector}`);
      asked.add(name);
    }
    return object;
  }
  const owned = (kind: keyof typeof rows, object: bigint | null) => {
    if (object !== null) held.push(object);
    return check(kind, object);
  };
  mac.pooled(() => {
    const all = check('object', mac.metal.copyAllDevices());
    held.push(all);
    try {
      const device = check('device', mac.send.objectAt(check('array', all), 0));
      askFoundation(mac, check, owned);
      askCompute(mac, device, check, owned);
      askCounters(mac, device, check, owned);
    } finally {
      for (const object of held.reverse()) mac.send.release(object);
    }
  });
  return asked;
}

type Check = (kind: keyof typeof rows, object: bigint | null) => bigint;

function askFoundation(mac: Mac, check: Check, owned: Check): void {
  const { send, classNamed } = mac;
  check('string', send.stringOf(check('classOfStrings', classNamed('NSString')), 'a text'));
  owned('data', send.makeNew(check('class', classNamed('NSData'))));
  check('processInfo', send.processInfo(check('classOfProcessInfo', classNamed('NSProcessInfo'))));
}

function askCompute(mac: Mac, device: bigint, check: Check, owned: Check): void {
  const { send } = mac;
  const error = new BigUint64Array(1);
  assert.equal(send.newLibrary(device, mac.string('#error this is not to compile'), null, error), null);
  check('error', error[0] || null);
  const library = owned('library', send.newLibrary(device, mac.string(source), null, error));
  const kernel = owned('object', send.newFunction(library, mac.string('accelmeter_self_test')));
  owned('pipeline', send.newPipeline(device, kernel, error));
  owned('buffer', send.newBuffer(device, Float32Array.of(1), 4, 0));
  const commands = check('commands', send.commandBuffer(owned('queue', send.newCommandQueue(device))));
  const encoder = send.computeEncoder(commands) ?? assert.fail('there is no encoder');
  mac.retained(encoder); // given up before its end it ends the process: where it is not understood it is kept
  send.endEncoding(check('encoder', encoder));
  send.release(encoder);
}

function askCounters(mac: Mac, device: bigint, check: Check, owned: Check): void {
  const { send, classNamed } = mac;
  const pass = check('pass', send.computePass(check('classOfPasses', classNamed('MTLComputePassDescriptor'))));
  check('attachment', send.attachmentAt(check('attachments', send.sampleAttachments(pass)), 0));
  owned('descriptor', send.makeNew(check('class', classNamed('MTLCounterSampleBufferDescriptor'))));
  const sets = send.counterSets(device);
  if (sets === null) return;
  check('array', sets);
  for (let i = 0; i < Number(send.count(sets)); i++) check('counterSet', send.objectAt(sets, i));
  if (timestampSetOf(mac, device) === undefined) return;
  owned('samples', newPassSamples(mac, device) ?? null);
}
