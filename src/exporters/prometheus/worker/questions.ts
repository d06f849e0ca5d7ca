/**
 * Questions of the Worker to the service's thread. Who asks the same while one is open shares its answer, and few are
 * open at once: a thread that does not answer is not buried in questions.
 *
 * The thread says when it begins with an answer. So a slow collection, which is waited for, is told from an event loop
 * that does not turn, for which the last page is served in good time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { now, type Question, type Report, type WholeAnswer } from './messages.ts';

/** `silent`: the thread has not answered in time. `busy`: too many other questions are open. */
export type Outcome = WholeAnswer | 'silent' | 'busy';

export interface Questions {
  ask(question: Question, timeoutMillis: number): Promise<Outcome>;
  begun(id: number): void;
  answered(id: number, answer: WholeAnswer): void;
  /** For how many seconds the thread has not begun with what it was asked first; 0 where it is prompt. */
  silence(): number;
}

interface Open {
  readonly id: number;
  readonly askedAt: number;
  readonly begun: PromiseWithResolvers<true>;
  readonly answer: PromiseWithResolvers<WholeAnswer>;
  hasBegun: boolean;
}

const openAtOnce = 32;
/** An answer that takes longer is taken for lost, and asked for again. */
const lostAfterSeconds = 60;
/** The part of a scrape's timeout in which the thread must begin. */
const patience = 0.5;
/** Once it is known to be silent, nobody needs to find out again. */
const shortPatienceMillis = 100;
/** What the way back to the scraper takes, at most, of its timeout. */
const wayBack = { millis: 250, part: 0.05 };

export function createQuestions(post: (report: Report) => void): Questions {
  const open = new Map<string, Open>();
  let ids = 0;

  function openFor(question: Question): Open | undefined {
    const key = JSON.stringify(question);
    const same = open.get(key);
    if (same !== undefined && !(same.hasBegun && now() - same.askedAt > lostAfterSeconds)) return same;
    if (same !== undefined) open.delete(key);
    if (open.size >= openAtOnce) return undefined;
    const asked: Open = {
      id: ids++,
      askedAt: now(),
      begun: Promise.withResolvers(),
      answer: Promise.withResolvers(),
      hasBegun: false,
    };
    open.set(key, asked);
    post({ kind: 'asked', id: asked.id, question });
    return asked;
  }

  const find = (id: number) => [...open].find(([, each]) => each.id === id);
  const silence = () => {
    const waiting = [...open.values()].filter(({ hasBegun }) => !hasBegun).map(({ askedAt }) => now() - askedAt);
    return Math.max(0, ...waiting);
  };

  return {
    async ask(question, timeoutMillis) {
      const due = performance.now() + timeoutMillis - Math.min(wayBack.millis, timeoutMillis * wayBack.part);
      const wait = silence() * 1000 > timeoutMillis * patience ? shortPatienceMillis : timeoutMillis * patience;
      const asked = openFor(question);
      if (asked === undefined) return 'busy';
      if ((await within(wait, asked.begun.promise)) === undefined) return 'silent';
      return (await within(due - performance.now(), asked.answer.promise)) ?? 'silent';
    },
    begun(id) {
      const asked = find(id)?.[1];
      if (asked === undefined) return;
      asked.hasBegun = true;
      asked.begun.resolve(true);
    },
    answered(id, answer) {
      const [key, asked] = find(id) ?? [];
      if (key === undefined || asked === undefined) return;
      open.delete(key);
      asked.answer.resolve(answer);
    },
    silence,
  };
}

/** What the promise resolves with; `undefined` where it takes longer. */
async function within<T>(millis: number, promise: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const expiry = pause(Math.max(0, millis), undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    over.abort();
  }
}
