/**
 * The Worker that listens for a service: it owns the socket, speaks TLS, checks passwords and sends pages, and asks the
 * service's thread for each page. Where that does not answer in time, because its event loop does not turn, the last
 * page is served with its age.
 *
 * It reads files in a blocking way and compresses so too, since both would else wait for libuv's threads, which a busy
 * service may have taken as well.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { escapeName } from '../escaping.ts';
import { contentTypeOf, negotiate, type Representation } from '../negotiate.ts';
import { answer } from '../server/answer.ts';
import type { Gate } from '../server/gate.ts';
import { createRoutes } from '../server/routes.ts';
import { scrapeTimeoutOf, sharedTimeout } from '../server/scrape-timeout.ts';
import { createServer, type ServerOptions, type WebServer } from '../server/server.ts';
import { targetOf } from '../server/target.ts';
import { createDelivery } from './delivery.ts';
import { createLastPages } from './last-pages.ts';
import type { Assignment, Command, Question, Report, WholeAnswer } from './messages.ts';
import { createPrinter } from './printing.ts';
import { createQuestions } from './questions.ts';
import { createRestraint } from './restraint.ts';

const { host, port, path, webConfigFile, age } = workerData as Assignment;

const post = (report: Report) => parentPort?.postMessage(report);
const questions = createQuestions(post);
const lastPages = createLastPages();
const delivery = createDelivery();
const print = createPrinter();
const mayAsk = createRestraint();
/** Answers that are no page, by what was asked; of landing pages there is one. */
const others = new Map<string, WholeAnswer>();

/** What nobody fails to read, and gets who asks for what nobody has asked for before. */
const anyoneCanRead = contentTypeOf(negotiate({}));

/** Stands for host and port on the landing page, which is one for all who ask; a name that nothing on it has. */
const anyTarget = `target-${randomBytes(12).toString('hex')}`;
const landingQuestion: Question = { what: 'landing', headers: { host: anyTarget } };

async function metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = negotiate(request.headers);
  const kind = contentTypeOf(asked);
  const last = lastPages.find(kind);
  if (last !== undefined && !mayAsk(kind, last.madeAt)) return sendPage(response, last, asked);
  const timeout = scrapeTimeoutOf(request.headers);
  const outcome = await askOnce(
    { what: 'metrics', headers: { accept: kind, 'x-prometheus-scrape-timeout-seconds': sharedTimeout(timeout) } },
    timeout,
  );
  if (typeof outcome === 'object') {
    if (outcome.status !== 200) return relay(response, outcome);
    lastPages.keep(kind, outcome);
    return sendPage(response, outcome, asked);
  }
  // Of another kind only where none of this one can be had, and not because many ask.
  const before = lastPages.find(kind) ?? (outcome === 'silent' ? lastPages.find(anyoneCanRead) : undefined);
  if (before !== undefined) return sendPage(response, before, asked);
  if (outcome === 'busy') return answer(response, 503, 'Too many kinds of pages are asked for at once.');
  answer(response, 503, `${silent()} There is no page from before.`);
}

async function landing(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const outcome = await askOnce(landingQuestion, scrapeTimeoutOf(request.headers));
  if (typeof outcome !== 'object') return answer(response, 503, `${silent()} Its last page of metrics is at ${path}`);
  const target = targetOf(request.headers.host, request.socket.localPort);
  const body = Buffer.from(Buffer.from(outcome.body).toString().replaceAll(anyTarget, target));
  relay(response, { ...outcome, headers: { ...outcome.headers, 'Content-Length': body.length } }, body);
}

/** Asks the service, or gives what it answered a moment ago. A page of metrics is kept elsewhere. */
async function askOnce(question: Question, timeoutMillis: number) {
  const key = JSON.stringify(question);
  const before = others.get(key);
  if (before !== undefined && !mayAsk(key, before.madeAt)) return before;
  const outcome = await questions.ask(question, timeoutMillis);
  if (typeof outcome === 'object' && (question.what === 'landing' || outcome.status !== 200)) others.set(key, outcome);
  else others.delete(key);
  return outcome;
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

function relay(
  response: ServerResponse,
  { status, headers, body }: WholeAnswer,
  bytes: Uint8Array = new Uint8Array(body),
): void {
  response.writeHead(status, unlessSet(response, headers));
  response.end(bytes);
}

/** What the operator has set in the web configuration stays. */
function unlessSet(response: ServerResponse, headers: WholeAnswer['headers']): WholeAnswer['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !response.hasHeader(name)));
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
