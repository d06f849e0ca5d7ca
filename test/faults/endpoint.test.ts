/** Readers and neighbours of the endpoint that misbehave, and services that end while it is read. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { expectUnharmed, served, watch } from './watch.ts';

const portOf = (url: string) => Number(new URL(url).port);

/** A scrape that is asked for, of which nothing is read, and that is left. */
async function abandon(url: string, request = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'): Promise<void> {
  const socket = connect(portOf(url), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(request);
  socket.resetAndDestroy();
}

/** How readers behave; afterwards the endpoint must answer the next one. */
const readers: Record<string, (url: string) => Promise<unknown>> = {
  'leaves after it has asked': (url) => abandon(url),
  'leaves in the middle of its request': (url) => abandon(url, 'GET /metr'),
  'leaves after its first bytes': async (url) => {
    const socket = connect(portOf(url), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
  },
  'is thirty at once, that all leave': (url) => Promise.all(Array.from({ length: 30 }, () => abandon(url))),
  'does not speak HTTP': (url) => abandon(url, '\0\u0001\u0002 not HTTP\r\n\r\n'),
};

describe('a service whose reader', () => {
  it.concurrent.each(Object.entries(readers))('%s', async (_, behave) => {
    let status = 0;
    const watched = await watch(['idle.mjs', '4000'], {
      ready: served,
      async meanwhile({ said }) {
        const [, url = ''] = await said(served);
        await behave(url);
        await sleep(200);
        const next = await fetch(`${url}/metrics`);
        status = (await next.text()).endsWith('\n') ? next.status : 0;
      },
    });
    expect(status).toBe(200);
    expectUnharmed(watched, { firsts: 2 });
  });
});

/** What ends the service in the middle of a scrape, and how it ends by its own code. */
const ends = {
  'SIGTERM, which it does not listen for': { program: '', own: { signal: 'SIGTERM' } },
  'SIGTERM, on which it closes': {
    program: 'process.on("SIGTERM", () => { console.log("closed"); process.exit(0) })',
    own: { stdout: 'closed\n' },
  },
  'an exit on SIGTERM with a code of its own': {
    program: 'process.on("SIGTERM", () => process.exit(7))',
    own: { code: 7 },
  },
  'an uncaught exception': {
    program: 'process.on("SIGTERM", () => { throw new Error("its own") })',
    own: { code: 1 },
  },
} as const;

describe('a service that is ended in the middle of a scrape by', () => {
  it.concurrent.each(Object.entries(ends))('%s', async (_, { program, own }) => {
    const watched = await watch(['-e', `${program}; setTimeout(() => {}, 60_000)`], {
      ready: served,
      async meanwhile({ said, kill }) {
        const [, url = ''] = await said(served);
        const scrape = fetch(`${url}/metrics`).catch(() => {});
        await sleep(1);
        kill('SIGTERM');
        await scrape;
      },
    });
    expectUnharmed(watched, { stdout: '', firsts: 2, ...own });
  });
});

it('a service whose port is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const watched = await watch(['idle.mjs'], { environment: { OTEL_EXPORTER_PROMETHEUS_PORT: String(port) } });
  other.close();
  expectUnharmed(watched);
  expect(watched.stderr).toContain(`not served, port ${port} is taken`);
});
