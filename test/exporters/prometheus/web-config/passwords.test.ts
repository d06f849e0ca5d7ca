/** How passwords are checked: right, in bounded work, and without telling anything by time. */
import { hash, hashSync } from 'bcryptjs';
import { expect, onTestFinished, test } from 'vitest';
import { createHashing, type Hashing } from '../../../../src/exporters/prometheus/web-config/hashing.ts';
import { createPasswordCheck, type Verdict } from '../../../../src/exporters/prometheus/web-config/passwords.ts';

const computed = { count: 0 };
const hashing: Hashing = {
  compute({ password, salt }) {
    computed.count++;
    return hash(password, salt);
  },
  close() {},
};

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const users = new Map([['alice', hashSync('right', 4)]]);

/** A check, and how many hashes its answers took. */
function counted(known: ReadonlyMap<string, string> = users) {
  const { check } = createPasswordCheck(known, hashing);
  return async (authorization: string | undefined) => {
    const before = computed.count;
    const verdict = await check(authorization);
    return { verdict, hashes: computed.count - before };
  };
}

test('what was found is remembered, right or wrong', async () => {
  const check = counted();
  expect(await check(basic('alice', 'right'))).toEqual({ verdict: 'admitted', hashes: 1 });
  expect(await check(basic('alice', 'right'))).toEqual({ verdict: 'admitted', hashes: 0 });
  expect(await check(basic('alice', 'wrong'))).toEqual({ verdict: 'refused', hashes: 1 });
  expect(await check(basic('alice', 'wrong'))).toEqual({ verdict: 'refused', hashes: 0 });
});

test('a user who is not there takes as many hashes as one who is, also with a password that is right for another', async () => {
  const check = counted();
  expect(await check(basic('nobody', 'right'))).toEqual({ verdict: 'refused', hashes: 1 });
  expect(await check(basic('nobody', 'right'))).toEqual({ verdict: 'refused', hashes: 0 });
});

test('what is no pair takes no hash', async () => {
  const check = counted();
  for (const authorization of [undefined, '', 'Basic', 'Basic ~', `Basic ${btoa('alice')}`, 'Bearer x']) {
    expect(await check(authorization)).toEqual({ verdict: 'refused', hashes: 0 });
  }
});

test('of many at once few wait, who ask the same wait together, and who is known waits for none', async () => {
  const { check } = createPasswordCheck(users, hashing);
  await check(basic('alice', 'right'));
  const before = computed.count;
  const guesses = Array.from({ length: 50 }, (_, i) => check(basic('alice', `guess ${i % 25}`)));
  expect(check(basic('alice', 'right'))).toBe('admitted');
  const verdicts: Verdict[] = await Promise.all(guesses);
  expect(computed.count - before).toBe(8);
  expect(verdicts.filter((verdict) => verdict === 'refused')).toHaveLength(16);
  expect(verdicts.filter((verdict) => verdict === 'busy')).toHaveLength(34);
});

test('guessing does not make room for itself by what is known to be right', async () => {
  const check = counted();
  await check(basic('alice', 'right'));
  for (let i = 0; i < 40; i++) await check(basic('nobody', String(i)));
  expect(await check(basic('alice', 'right'))).toEqual({ verdict: 'admitted', hashes: 0 });
});

test('behind a wrong password the next one waits for three times as long as it took', async () => {
  const { check } = createPasswordCheck(new Map([['alice', hashSync('right', 8)]]), hashing);
  const begun = performance.now();
  await check(basic('alice', 'wrong'));
  const one = performance.now() - begun;
  await check(basic('alice', 'right'));
  expect(performance.now() - begun).toBeGreaterThan(one * 4);
});

/** As it is served, with a thread that computes. */
function inThread(known: ReadonlyMap<string, string>) {
  const own = createHashing();
  onTestFinished(() => own.close());
  return createPasswordCheck(known, own);
}

test('a thread computes the hashes, and the one that asks turns meanwhile', async () => {
  const { check } = inThread(new Map([['alice', hashSync('right', 11)]]));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  expect(await check(basic('alice', 'right'))).toBe('admitted');
  clearInterval(timer);
  expect(turns).toBeGreaterThan(20); // In this thread there is one each 100 ms.
});

test('a check that is closed computes no further, and who waits is told so at once', async () => {
  const { check, close } = inThread(new Map([['alice', hashSync('right', 4).replace('$04$', '$31$')]]));
  const waiting = [check(basic('alice', 'one')), check(basic('alice', 'two'))];
  setTimeout(close, 300);
  expect(await Promise.all(waiting)).toEqual(['busy', 'busy']);
});
