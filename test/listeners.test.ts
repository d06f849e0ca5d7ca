import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Listeners } from '../src/listeners.ts';

let warned: string[];
beforeEach(() => {
  warned = [];
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((message) => void warned.push(String(message)));
  onTestFinished(() => emit.mockRestore());
});

const unreadable = Object.defineProperty(new Error(), 'message', {
  get() {
    throw new Error('no message');
  },
});

it.each([
  ['an error', new Error('mine'), 'mine'],
  ['a symbol', Symbol('mine'), 'Symbol(mine)'],
  ['an object without a prototype', Object.create(null), 'something that has no text'],
  ['an error of which the message throws', unreadable, 'something that has no text'],
])('a listener may throw %s: it is warned of once, and the others are told', async (_, thrown, text) => {
  const listeners = new Listeners<string>('news');
  const told: string[] = [];
  listeners.on(() => {
    throw thrown;
  });
  listeners.on(async () => {
    throw thrown;
  });
  listeners.on((news) => told.push(news));
  listeners.tell('first');
  listeners.tell('second');
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual(['first', 'second']);
  expect(warned).toEqual([`a listener for news failed: ${text}`, `a listener for news failed: ${text}`]);
});

it('a listener that comes while others are told is told what comes after', () => {
  const listeners = new Listeners<string>('news');
  let calls = 0;
  const again = () => {
    calls += 1;
    if (calls < 100) listeners.on(again);
  };
  listeners.on(again);
  listeners.tell('first');
  expect(calls).toBe(1);
  listeners.tell('second');
  expect(calls).toBe(3);
});

it('a listener that is taken away while others are told is told nothing more', () => {
  const listeners = new Listeners<string>('news');
  listeners.on(() => off());
  const off = listeners.on(() => expect.fail('told'));
  listeners.tell('first');
  expect(listeners.size).toBe(1);
});
