/** What the test for a Mac asks of macOS' objects, tried on the stub: that it asks about every message, and is not hurt. */
import { AssertionError } from 'node:assert';
import { afterEach, describe, expect, it } from 'vitest';
import { openMac } from '../../src/backends/metal/driver.ts';
import { type Message, messages } from '../../src/backends/metal/messages.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { nothingHeld, openMetalStub } from '../stubs/metal/open.ts';
import { understood } from './understood.ts';

describe.skipIf(lacks('cc'))('what objects are asked', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  stub.load('apple-silicon');
  const mac = openMac(stub.path);
  afterEach(() => stub.apply('lacks none'));

  it('is about every message that we send, and nothing is held after it', () => {
    expect([...understood(mac)].sort()).toEqual(Object.keys(messages).sort());
    expect(stub.held()).toEqual(nothingHeld);
  });

  // By `respondsToSelector:` itself nothing can be asked where it is not understood.
  const table: Readonly<Record<string, Message>> = messages;
  const selectors = Object.values(table).map(({ selector }) => selector);
  it.each(selectors.filter((selector) => selector !== 'respondsToSelector:'))(
    'fails a test and does not end the process where nobody understands %s',
    (selector) => {
      stub.apply(`lacks ${selector}`);
      const asking = () => understood(mac);
      expect(asking).toThrow(AssertionError);
      expect(asking).toThrow(`does not understand ${selector}`);
    },
  );
});
