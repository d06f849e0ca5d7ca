/**
 * The Worker that listens for a service: it owns the socket, speaks TLS, checks passwords and sends pages, and asks the
 * service's thread for each page. Where that does not answer in time, because its event loop does not turn, the last
 * page is served with its age.
 *
 * It reads files in a blocking way and compresses so too, since both would else wait for libuv's threads, which a busy
 * service may have taken as well.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { escapeName } from '../escaping.ts';
import { contentTypeOf, negotiate, type Representation } from '../negotiate.ts';
import { answer } from '../server/answer.ts';
import type { Gate } from '../server/gate.ts';
import { createRoutes } from '../server/routes.ts';
import { scrapeTimeoutOf } from '../server/scrape-timeout.ts';
import { createServer, type ServerOptions, type WebServer } from '../server/server.ts';
import { createRateLimit } from '../web-config/rate-limit.ts';
import { createDelivery } from './delivery.ts';
import { createLastPages } from './last-pages.ts';
import type { Assignment, Command, Report, WholeAnswer } from './messages.ts';
import { createPrinter } from './printing.ts';
import { createQuestions } from './questions.ts';

const { host, port, path, webConfigFile, age } = workerData as Assignment;

const post = (report: Report) => parentPort?.postMessage(report);
const questions = createQuestions(post);
const lastPages = createLastPages();
const delivery = createDelivery();
const print = createPrinter();
const mayAsk = createRateLimit({ intervalMillis: 1000, burst: 10 });

/** What nobody fails to read, and gets who asks for what nobody has asked for before. */
const anyoneCanRead = contentTypeOf(negotiate({}));

/** What of a request the answer depends on. */
const relevant = ['accept', 'host', 'x-prometheus-scrape-timeout-seconds'] as const;

async function metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = negotiate(request.headers);
  const kind = contentTypeOf(asked);
  const before = lastPages.find(kind) ?? lastPages.find(anyoneCanRead);
  // What one scrape costs the service it may have ten times at once, and then once a second.
  if (before !== undefined && !mayAsk()) return sendPage(response, before, asked);
  const outcome = await questions.ask(
    { what: 'metrics', headers: pick(request, ['accept', 'x-prometheus-scrape-timeout-seconds']) },
    scrapeTimeoutOf(request.headers),
  );
  if (outcome === 'busy') return answer(response, 503, 'Too many kinds of pages are asked for at once.');
  if (outcome === 'silent') {
    if (before !== undefined) return sendPage(response, before, asked);
    return answer(response, 503, `${silent()} There is no page from before.`);
  }
  if (outcome.status !== 200) return relay(response, outcome);
  lastPages.keep(kind, outcome);
  await sendPage(response, outcome, asked);
}

async function landing(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const outcome = await questions.ask(
    { what: 'landing', headers: pick(request, ['host']) },
    scrapeTimeoutOf(request.headers),
  );
  if (typeof outcome === 'object') relay(response, outcome);
  else answer(response, 503, `${silent()} Its last page of metrics is at ${path}`);
}

function silent(): string {
  return `The event loop of the service has not turned for ${questions.silence().toFixed(1)} s.`;
}

async function sendPage(
  response: ServerResponse,
  page: WholeAnswer,
  { encoding, escaping }: Pick<Representation, 'encoding' | 'escaping'>,
): Promise<void> {
  const own = page.headers['Content-Type'] === anyoneCanRead ? 'underscores' : escaping;
  const metric = { ...age, name: escapeName(age.name, own, /[a-zA-Z0-9_:]/) };
  const printed = print(page, encoding, metric);
  const headers = { ...page.headers, 'Content-Length': printed.length };
  const coding = printed.encoding === 'identity' ? {} : { 'Content-Encoding': printed.encoding };
  response.writeHead(page.status, unlessSet(response, { ...headers, ...coding }));
  await delivery.send(response, page, printed.parts);
}

function relay(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  response.writeHead(status, unlessSet(response, headers));
  response.end(new Uint8Array(body));
}

/** What the operator has set in the web configuration stays. */
function unlessSet(response: ServerResponse, headers: WholeAnswer['headers']): WholeAnswer['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !response.hasHeader(name)));
}

function pick({ headers }: IncomingMessage, names: readonly (typeof relevant)[number][]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );
}

async function openServer(): Promise<WebServer> {
  const fault: ServerOptions['fault'] = (problem, error) => post({ kind: 'fault', problem, error: String(error) });
  let server: WebServer | undefined;
  let gate: Gate | undefined;
  if (webConfigFile !== undefined) {
    const { openGate } = await import('../server/gate.ts');
    gate = openGate({
      file: webConfigFile,
      changed() {
        server?.changed();
        post({ kind: 'changed', address: server?.address() });
        post({ kind: 'said', what: `${webConfigFile}: the changed web configuration is followed` });
      },
      refused: ({ message }) =>
        post({ kind: 'said', what: `${message}; the web configuration from before the change stays` }),
    });
  }
  server = createServer({
    host,
    port,
    handler: createRoutes({ path, metrics, landing }),
    fault,
    ...(gate && { gate }),
  });
  return server;
}

function failed(error: unknown): void {
  const { message, code } = error as NodeJS.ErrnoException;
  post({ kind: 'failed', error: { message, ...(code !== undefined && { code }) } });
}

async function listen(server: WebServer): Promise<void> {
  const address = await server.listen();
  if (address === undefined) return;
  post({ kind: 'listening', address });
  // Before the first scrape the loop may be blocked as well: this page any scraper can read.
  const first = await questions.ask({ what: 'metrics', headers: {} }, 10_000);
  if (typeof first === 'object' && first.status === 200) lastPages.keep(anyoneCanRead, first);
  post({ kind: 'prepared' });
}

function follow(command: Command, server: WebServer): void {
  if (command.kind === 'begun') questions.begun(command.id);
  else if (command.kind === 'answered') questions.answered(command.id, command.answer);
  else if (command.kind === 'listen') listen(server).catch(failed);
  else {
    const stopped = server.close();
    Atomics.store(command.closed, 0, 1);
    Atomics.notify(command.closed, 0);
    void stopped.then(() => process.exit()); // This thread, not the service.
  }
}

// On Linux that is this thread alone: where they want the same core, the service comes first.
if (process.platform === 'linux') setPriority(0, 5);

openServer().then((server) => {
  parentPort?.on('message', (command: Command) => follow(command, server));
  post({ kind: 'ready' });
}, failed);
