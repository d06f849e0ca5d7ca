/**
 * Scrapers of every kind, for a time: half of them behave and stay connected; the others read slowly, reset, send what is
 * no HTTP, have no or wrong passwords, or say nothing. Prints as JSON how it went for each kind, and under `page` how many
 * pages told their age and how old the oldest of them was, in seconds.
 *
 *     node scrapers.mjs PORT SECONDS COUNT USER:PASSWORD
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

const [port, seconds, count] = process.argv.slice(2, 5).map(Number);
const credentials = process.argv[5] ?? '';
const until = performance.now() + seconds * 1000;
const basic = (text) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });

const accepts = [
  'text/plain;version=0.0.4',
  'application/openmetrics-text;version=1.0.0',
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
];

/** One request, on a connection of its own where it is given no agent. */
function ask(headers, agent = false) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/metrics', agent, headers };
    const asked = request(options, (response) => {
      response.toArray().then((parts) => resolve({ response, body: Buffer.concat(parts) }), reject);
    });
    asked.on('error', reject).end();
  });
}

const get = async (headers) => (await ask(headers)).response.statusCode;

const page = { told: 0, oldest: 0 };
const agents = new Map();

/** A scrape as Prometheus makes it: on the connection of the one before, and looking at the page. */
async function behave(i) {
  const agent = agents.get(i) ?? new Agent({ keepAlive: true, maxSockets: 1 });
  agents.set(i, agent);
  const encoding = ['identity', 'gzip'][i % 2];
  const headers = { Accept: accepts[i % 3], 'Accept-Encoding': encoding, ...basic(credentials) };
  const { response, body } = await ask(headers, agent);
  const text = response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const age = /^accelmeter_page_age_seconds (\S+)$/m.exec(String(text))?.[1];
  if (age !== undefined) {
    page.told++;
    page.oldest = Math.max(page.oldest, Number(age));
  }
  return response.statusCode;
}

/** Bytes on a connection; `then` does something with it, and it is gone after so many milliseconds. */
function speak(bytes, millis, then = () => {}) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      then(socket);
    });
    const timer = setTimeout(() => socket.destroy(), millis);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve('over');
    });
  });
}

const read = (socket) => socket.resume();
const authorized = `GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(credentials).Authorization}\r\n\r\n`;

const kinds = {
  behaves: behave,
  'reads slowly': () =>
    speak(authorized, Math.min(5000, seconds * 500), (socket) => {
      socket.pause();
      const timer = setInterval(() => socket.read(512), 200);
      socket.on('close', () => clearInterval(timer));
    }),
  resets: () => speak(authorized, 3000, (socket) => socket.once('data', () => socket.resetAndDestroy())),
  'is no HTTP': () => speak(Buffer.from(Array.from({ length: 400 }, () => Math.random() * 256)), 3000, read),
  'has endless headers': () => speak(`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`, 3000, read),
  'has no password': () => get({}),
  'has the same wrong password': () => get(basic('prometheus:wrong')),
  guesses: () => get(basic(`user${Math.random()}:${Math.random()}`)),
  'says nothing': () => speak('', Math.min(4000, seconds * 500), read),
};

const names = Object.keys(kinds);
const told = Object.fromEntries(names.map((name) => [name, {}]));
await Promise.all(
  Array.from({ length: count }, async (_, i) => {
    const name = i < count / 2 ? 'behaves' : names[1 + (i % (names.length - 1))];
    await pause(((i % (count / 2)) / count) * 2000);
    while (performance.now() < until) {
      const outcome = await kinds[name](i).catch((error) => error.code ?? error.message);
      told[name][outcome] = (told[name][outcome] ?? 0) + 1;
      await pause(1000);
    }
  }),
);
for (const agent of agents.values()) agent.destroy();
console.log(JSON.stringify({ ...told, page }));
