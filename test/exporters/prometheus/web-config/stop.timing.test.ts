/** How long the service is held when it wants its port, while the Worker has passwords to check. */
import { hash } from 'bcryptjs';
import { expect, test } from 'vitest';
import { pause } from '../service.ts';
import { serveSecured } from './secured.ts';

test('a password that is being hashed does not hold the service when it stops', async () => {
  const users = ['basic_auth_users:', `  alice: ${(await hash('right', 4)).replace('$04$', '$15$')}`];
  const held: number[] = [];
  for (let i = 0; i < 4; i++) {
    const { get, exporter } = await serveSecured(users);
    const authorization = `Basic ${Buffer.from('alice:guess').toString('base64')}`;
    get('/healthz', { headers: { authorization } }).catch(() => {});
    await pause(300 + i * 30);
    const begun = performance.now();
    const stopped = exporter.stopServer();
    held.push(performance.now() - begun);
    await stopped;
  }
  expect(Math.max(...held)).toBeLessThan(40);
});
