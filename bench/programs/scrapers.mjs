/**
 * Scrapers of every kind, for a time: those who behave, who read slowly, who reset, who send what is no HTTP, who have
 * no or wrong passwords, and who say nothing. Prints as JSON how it went for each kind.
 *
 *     node scrapers.mjs PORT SECONDS COUNT USER:PASSWORD
 */
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const [port, seconds, count] = process.argv.slice(2, 5).map(Number);
const credentials = process.argv[5] ?? '';
const until = performance.now() + seconds * 1000;
const basic = (text) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });

const accepts = [
  'text/plain;version=0.0.4',
  'application/openmetrics-text;version=1.0.0',
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
];

/** One request on a connection of its own; resolves with its status. */
function get(headers) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/metrics', agent: false, headers };
    const asked = request(options, (response) => {
      response
        .on('error', reject)
        .on('end', () => resolve(response.statusCode))
        .resume();
    });
    asked.on('error', reject).end();
  });
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
  behaves: (i) =>
    get({ Accept: accepts[i % 3], 'Accept-Encoding': ['identity', 'gzip'][i % 2], ...basic(credentials) }),
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
    const name = names[i % names.length];
    await pause((i / count) * 1000);
    while (performance.now() < until) {
      const outcome = await kinds[name](i).catch((error) => error.code ?? error.message);
      told[name][outcome] = (told[name][outcome] ?? 0) + 1;
      await pause(1000);
    }
  }),
);
console.log(JSON.stringify(told));
