/**
 * Basic authentication against bcrypt hashes. bcrypt is slow by design, so nobody may make us do much of it: what was
 * found for a user and a password is remembered, one pair is computed at a time, few wait, and after a wrong one there
 * is a pause, so that guessing takes a quarter of a core at most.
 *
 * An answer's time tells nothing: a user who is not there is compared with the hash of one who is, and then refused. A
 * password is never compared byte by byte, only keyed digests of it and of what it hashes to.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createHashing, type Hashing } from './hashing.ts';

/** `busy`: too many others wait for an answer; neither right nor wrong. */
export type Verdict = 'admitted' | 'refused' | 'busy';

export interface PasswordCheck {
  /** What a request's `Authorization` is worth. */
  check(authorization: string | undefined): Verdict | Promise<Verdict>;
  /** Gives up what is computed; whoever waits for it is told `busy`. */
  close(): void;
}

/** Of right pairs there are as many as users send, of wrong ones as many as somebody guesses: so they do not share. */
const rememberedRight = 256;
const rememberedWrong = 1024;
const waitingAtOnce = 8;
/** Times what the computation took. */
const pauseAfterWrong = 3;
const longestPauseMillis = 5000;
/** Of a hash, the part before the hash itself: version, cost and salt. */
const saltLength = 29;

/** Returns a check for users whose passwords are given as bcrypt hashes. Other users need another one. */
export function createPasswordCheck(
  users: ReadonlyMap<string, string>,
  hashing: Hashing = createHashing(),
): PasswordCheck {
  const secret = randomBytes(32);
  const keyed = (text: string) => createHmac('sha256', secret).update(text).digest();
  const digest = (...parts: string[]) => keyed(JSON.stringify(parts)).toString('base64');
  const right = createMemory(rememberedRight);
  const wrong = createMemory(rememberedWrong);
  const waiting = new Map<string, Promise<Verdict>>();
  /** The last of the computations that are under way and wait, with the pause behind it. */
  let last: Promise<unknown> = Promise.resolve();
  let rest = 0;
  let closed = false;

  async function compute(key: string, password: string, hash: string, known: boolean): Promise<Verdict> {
    if (closed) return 'busy';
    const begun = performance.now();
    const computed = await hashing.compute({ password, salt: hash.slice(0, saltLength) }).catch((error: Error) => {
      if (closed) return undefined;
      throw error;
    });
    if (computed === undefined) return 'busy';
    const equal = timingSafeEqual(keyed(hashIn(computed)), keyed(hashIn(hash)));
    rest = equal && known ? 0 : Math.min(longestPauseMillis, (performance.now() - begun) * pauseAfterWrong);
    (rest === 0 ? right : wrong).add(key);
    return rest === 0 ? 'admitted' : 'refused';
  }

  return {
    check(authorization) {
      const credentials = credentialsIn(authorization);
      if (credentials === undefined) return 'refused';
      const { user, password } = credentials;
      const own = users.get(user);
      const hash = own ?? standIn(users, digest(user));
      const key = digest(user, hash, password);
      if (right.has(key)) return 'admitted';
      if (wrong.has(key)) return 'refused';
      const asked = waiting.get(key);
      if (asked !== undefined) return asked;
      if (waiting.size >= waitingAtOnce) return 'busy';
      const verdict = last.then(() => compute(key, password, hash, own !== undefined));
      last = verdict.catch(() => {}).then(() => (rest > 0 ? pause(rest, undefined, { ref: false }) : undefined));
      waiting.set(key, verdict);
      return verdict.finally(() => waiting.delete(key));
    },
    close() {
      closed = true;
      hashing.close();
    },
  };
}

/** What comes behind the salt. Before it stand the version, which can be 2a, 2b or 2y for the same hash, and the cost. */
function hashIn(hash: string): string {
  return hash.slice(saltLength);
}

/** Always the same one for a name, so that a name that is not there has its time too where costs differ. */
function standIn(users: ReadonlyMap<string, string>, digestOfName: string): string {
  const hashes = [...users.values()];
  return hashes[Buffer.from(digestOfName, 'base64').readUInt32LE() % hashes.length] as string;
}

/** The user and the password that a client sends; `undefined` where it sends none. */
function credentialsIn(authorization: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

interface Memory {
  has(key: string): boolean;
  add(key: string): void;
}

/** Remembers the latest keys that were asked for. */
function createMemory(size: number): Memory {
  const keys = new Set<string>();
  const add = (key: string) => {
    keys.delete(key);
    keys.add(key);
    if (keys.size > size) keys.delete(keys.values().next().value as string);
  };
  return {
    has(key) {
      const known = keys.has(key);
      if (known) add(key);
      return known;
    },
    add,
  };
}
