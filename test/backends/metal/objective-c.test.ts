import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { type Message, messages } from '../../../src/backends/metal/messages.ts';
import { type CallOf, callsOf, entriesFor, type Senders } from '../../../src/backends/metal/objective-c.ts';
import type { CallTable } from '../../../src/ffi.ts';
import { openLibrary } from '../../../src/ffi.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { openMetalStub } from '../../stubs/metal/open.ts';

describe('a message', () => {
  const table: Readonly<Record<string, Message>> = messages;

  it('has as many arguments as its selector has colons', () => {
    for (const { selector, takes } of Object.values(table)) {
      expect([selector, takes.length]).toEqual([selector, selector.split(':').length - 1]);
    }
  });

  it('gives a structure through the entry for structures exactly where it does not fit into registers', () => {
    const throughMemory = Object.entries(table).filter(([, { gives }]) => entriesFor(gives).length > 1);
    expect(throughMemory.map(([name]) => name).sort()).toEqual(['maxThreadsPerThreadgroup', 'systemVersion']);
    for (const [, { gives }] of throughMemory) expect(entriesFor(gives)[0]).toBe('objc_msgSend_stret');
    expect(entriesFor({ location: 'u64', length: 'u64' })).toEqual(['objc_msgSend']); // NSRange: two registers
    for (const plain of ['f64', 'u8', 'handle', 'void'] as const) expect(entriesFor(plain)).toEqual(['objc_msgSend']);
  });

  it('is called with the receiver and the selector before its own arguments', () => {
    const calls: CallTable = callsOf(messages);
    expect(calls.dispatchThreads?.takes.slice(0, 2)).toEqual(['handle', 'handle']);
    expect(calls.dispatchThreads?.takes).toHaveLength(4);
  });

  it('has the types of Objective-C', () => {
    type Send = Senders<typeof messages>;
    interface Size {
      readonly width: number | bigint;
      readonly height: number | bigint;
      readonly depth: number | bigint;
    }
    expectTypeOf<ReturnType<Send['maxThreadsPerThreadgroup']>>().toEqualTypeOf<Size>();
    expectTypeOf<Parameters<Send['dispatchThreads']>>().toEqualTypeOf<[receiver: bigint, Size, Size]>();
    expectTypeOf<ReturnType<Send['gpuStartTime']>>().toEqualTypeOf<number>();
    expectTypeOf<ReturnType<Send['error']>>().toEqualTypeOf<bigint | null>();
    expectTypeOf<CallOf<(typeof messages)['status']>['takes']>().toEqualTypeOf<readonly ['handle', 'handle']>();
    // @ts-expect-error nil is not a receiver
    expectTypeOf<Parameters<Send['status']>>().toEqualTypeOf<[null]>();
  });
});

describe.skipIf(lacks('cc'))('the stub of the runtime', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());

  it('answers nil with nothing, through either entry', () => {
    const nothing = {
      object: { symbols: ['objc_msgSend'], takes: ['handle', 'handle'], gives: 'handle' },
      number: { symbols: ['objc_msgSend'], takes: ['handle', 'handle'], gives: 'f64' },
    } as const satisfies CallTable;
    const bound = openLibrary(nothing, { names: [stub?.path ?? ''] });
    expect([bound.object(null, null), bound.number(null, null)]).toEqual([null, 0]);
  });

  // What tests rely on when they find nothing wrong: that the stub would have said so.
  it.each([
    ['a structure through the wrong entry', 'structure', /operatingSystemVersion of NSProcessInfo was sent through/],
    ['a message that nobody understands', 'unknown', /unrecognized selector frobnicate sent to NSString/],
    ['a message to the dead', 'dead', /UTF8String was sent to a deallocated NSString/],
    ['one release too many', 'released', /release was sent to a deallocated NSString/],
    ['a message outside of any pool', 'unpooled', /UTF8String was sent to NSString outside of any autorelease pool/],
    ['a pool that is not open', 'pool', /popped what is no open pool/],
  ])('ends the process over %s', (_, fault, says) => {
    const program = join(import.meta.dirname, '../../programs/metal-faults.ts');
    const { signal, stderr } = spawnSync(process.execPath, [program, stub?.path ?? '', fault], { encoding: 'utf8' });
    expect(stderr).toMatch(says);
    expect(signal).toBe('SIGABRT');
  });
});
