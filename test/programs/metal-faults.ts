/** Does to the stub of the Objective-C runtime what it must not survive: `metal-faults.ts <library> <fault>`. */
import { type CallTable, openLibrary } from '../../src/ffi.ts';

const [library = '', fault = ''] = process.argv.slice(2);
const calls = {
  classNamed: { symbols: ['objc_getClass'], takes: ['text'], gives: 'handle' },
  selector: { symbols: ['sel_registerName'], takes: ['text'], gives: 'handle' },
  send: { symbols: ['objc_msgSend'], takes: ['handle', 'handle'], gives: 'handle' },
  sendText: { symbols: ['objc_msgSend'], takes: ['handle', 'handle', 'text'], gives: 'handle' },
  pushPool: { symbols: ['objc_autoreleasePoolPush'], takes: [], gives: 'handle' },
  popPool: { symbols: ['objc_autoreleasePoolPop'], takes: ['handle'], gives: 'void' },
} as const satisfies CallTable;
const objc = openLibrary(calls, { names: [library] });
const string = objc.classNamed('NSString');
const send = (object: bigint | null, selector: string) => objc.send(object, objc.selector(selector));
const made = () => objc.sendText(string, objc.selector('stringWithUTF8String:'), 'a text');

const faults: Readonly<Record<string, () => unknown>> = {
  structure: () => send(send(objc.classNamed('NSProcessInfo'), 'processInfo'), 'operatingSystemVersion'),
  unknown: () => send(made(), 'frobnicate'),
  dead() {
    const text = made();
    send(text, 'release');
    send(text, 'UTF8String');
  },
  released() {
    const text = made();
    send(text, 'release');
    send(text, 'release');
  },
  unpooled: () => send(made(), 'UTF8String'),
  pool: () => objc.popPool(string),
};
if (fault !== 'unpooled') objc.pushPool();
faults[fault]?.();
