/** What the service's thread and the Worker that listens for it say to each other. */
import type { Address } from '../server/server.ts';

/** What the Worker is started with. */
export interface Assignment {
  readonly host: string;
  readonly port: number;
  /** Path of the metrics, with its slash. */
  readonly path: string;
  readonly webConfigFile: string | undefined;
  /** The metric that tells the age of a page. */
  readonly age: { readonly name: string; readonly help: string };
}

/** From the service's thread. */
export type Command =
  | { readonly kind: 'listen' }
  /** `closed` becomes 1 when the port is free. */
  | { readonly kind: 'stop'; readonly closed: Int32Array }
  /** The event loop turns: an answer is being made. */
  | { readonly kind: 'begun'; readonly id: number }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: WholeAnswer };

/** From the Worker. */
export type Report =
  /** The web configuration is read; it can listen. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly address: Address }
  /** It has a page for the time in which it gets none, or does not get one in time. */
  | { readonly kind: 'prepared' }
  /** It cannot listen. The fields are those of the error that said so. */
  | { readonly kind: 'failed'; readonly error: { readonly message: string; readonly code?: string } }
  | { readonly kind: 'asked'; readonly id: number; readonly question: Question }
  /** For the operator. */
  | { readonly kind: 'said'; readonly what: string }
  | { readonly kind: 'fault'; readonly problem: string; readonly error: string }
  /** The web configuration has changed. */
  | { readonly kind: 'changed'; readonly address: Address | undefined };

/** What only the service's thread knows. */
export interface Question {
  readonly what: 'metrics' | 'landing';
  /** What the answer depends on, as headers; the same for all who can share it. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: ArrayBuffer;
  /** When it was made, in seconds of the clock that both threads have (`now`). */
  readonly madeAt: number;
}

/** Seconds of a clock that never jumps and is the same in every thread. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}
