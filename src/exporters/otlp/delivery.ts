/** Requests to one receiver, one at a time, and what there is to say about it: the same for metrics and for logs. */
import { decodeResponse } from './answer.ts';
import { post, Refused } from './post.ts';
import type { ReceiverSettings } from './settings.ts';

export interface DeliveryOptions {
  readonly settings: ReceiverSettings;
  /** What is delivered, and what it consists of: for people. */
  readonly what: { readonly signal: string; readonly parts: string };
  /** What becomes of what was not taken, in words. */
  readonly then: (outcome: Outcome) => string;
  /** Told when an outage begins and when it is over, and what a receiver refuses; each once. */
  readonly say: (line: string) => void;
  /** Told what encoding took, in seconds. */
  readonly onSerialised?: ((seconds: number) => void) | undefined;
}

/** What a request can be made of when its turn has come: what is to be encoded, then its bytes. */
export type Prepare = () => Promise<() => Buffer> | (() => Buffer);

/** `refused`: it would be refused again. */
export type Outcome = 'taken' | 'refused' | 'failed';

export interface Delivery {
  /** Where to, without credentials. */
  readonly endpoint: string;
  /** Delivers, or joins the delivery that is under way. Never rejects, and does not keep the process alive. */
  deliver(prepare: Prepare): Promise<Outcome>;
  /** Settles when nothing is under way, keeping the process alive for at most `milliseconds`. */
  idle(milliseconds: number): Promise<void>;
  /** As `deliver`, but keeps the process alive for at most `milliseconds`. */
  deliverLast(prepare: Prepare, milliseconds: number): Promise<Outcome>;
}

export function createDelivery({ settings, what, then, say, onSerialised }: DeliveryOptions): Delivery {
  const endpoint = `${settings.url.origin}${settings.url.pathname}`;
  const said = new Set<string>();
  let outage = false;
  let delivering: Promise<Outcome> | undefined;

  return {
    endpoint,
    deliver: (prepare) => start(prepare, settings.exportTimeout, false),
    async idle(milliseconds) {
      if (delivering) await within(milliseconds, delivering); // which by itself does not keep the process alive
    },
    deliverLast: (prepare, milliseconds) => start(prepare, Math.min(milliseconds, settings.exportTimeout), true),
  };

  function start(prepare: Prepare, milliseconds: number, keepAlive: boolean): Promise<Outcome> {
    delivering ??= once(prepare, performance.now() + milliseconds, keepAlive)
      .then(overcome, fail)
      .finally(() => {
        delivering = undefined;
      });
    return delivering;
  }

  async function once(prepare: Prepare, until: number, keepAlive: boolean): Promise<void> {
    const encode = await prepare();
    const start = performance.now();
    const message = encode();
    onSerialised?.((performance.now() - start) / 1000);
    const deadline = Math.min(until, performance.now() + settings.timeout);
    const answer = decodeResponse(await post(settings, message, { deadline, keepAlive }));
    if (answer === undefined) return;
    const refused = answer.rejected > 0 ? `refused ${answer.rejected} ${what.parts}: ` : '';
    sayOnce(`OTLP ${endpoint} ${refused}${answer.message}`);
  }

  function fail(error: Error): Outcome {
    const outcome = error instanceof Refused ? 'refused' : 'failed';
    if (!outage) say(`OTLP ${endpoint} does not take ${what.signal}: ${error.message}; ${then(outcome)}`);
    outage = true;
    return outcome;
  }

  function overcome(): Outcome {
    if (outage) say(`OTLP ${endpoint} takes ${what.signal} again`);
    outage = false;
    return 'taken';
  }

  /** A few different ones at most: the words are the receiver's. */
  function sayOnce(line: string): void {
    if (said.has(line) || said.size >= 8) return;
    said.add(line);
    say(line.slice(0, 500));
  }
}

/** Waits for the work, but not longer than so many milliseconds, and keeps the process alive for it. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, over]);
  clearTimeout(timer);
}
