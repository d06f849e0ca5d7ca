/** How passwords are checked: right, in bounded work, and without telling anything by time. */
import { hashSync } from 'bcryptjs';
import { expect, test, vi } from 'vitest';
import { createPasswordCheck, type Verdict } from '../../../../src/exporters/prometheus/web-config/passwords.ts';

const computed = vi.hoisted(() => ({ count: 0 }));
vi.mock('bcryptjs', async (original) => {
  const bcrypt = await original<typeof import('bcryptjs')>();
  return {
    ...bcrypt,
    hash(password: string, salt: string) {
      computed.count++;
      return bcrypt.hash(password, salt);
    },
  };
});

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const users = new Map([['alice', hashSync('right', 4)]]);

/** A check, and how many hashes its answers took. */
function counted() {
  const { check } = createPasswordCheck();
  return async (authorization: string | undefined, known: ReadonlyMap<string, string> = users) => {
    const before = computed.count;
    const verdict = await check(authorization, known);
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

test('a hash in place of another is asked anew', async () => {
  const check = counted();
  await check(basic('alice', 'right'));
  const changed = new Map([['alice', hashSync('new', 4)]]);
  expect(await check(basic('alice', 'right'), changed)).toEqual({ verdict: 'refused', hashes: 1 });
  expect(await check(basic('alice', 'new'), changed)).toEqual({ verdict: 'admitted', hashes: 1 });
});

test('what is no pair takes no hash', async () => {
  const check = counted();
  for (const authorization of [undefined, '', 'Basic', 'Basic ~', `Basic ${btoa('alice')}`, 'Bearer x']) {
    expect(await check(authorization)).toEqual({ verdict: 'refused', hashes: 0 });
  }
});

test('of many at once few wait, who ask the same wait together, and who is known waits for none', async () => {
  const { check } = createPasswordCheck();
  await check(basic('alice', 'right'), users);
  const before = computed.count;
  const guesses = Array.from({ length: 50 }, (_, i) => check(basic('alice', `guess ${i % 25}`), users));
  expect(check(basic('alice', 'right'), users)).toBe('admitted');
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
  const { check } = createPasswordCheck();
  const slow = new Map([['alice', hashSync('right', 8)]]);
  const begun = performance.now();
  await check(basic('alice', 'wrong'), slow);
  const one = performance.now() - begun;
  await check(basic('alice', 'right'), slow);
  expect(performance.now() - begun).toBeGreaterThan(one * 4);
});
