/** Answers that are not a page. */
import type { ServerResponse } from 'node:http';

/** A short plain answer. */
export function answer(
  response: ServerResponse,
  status: number,
  sentence: string,
  headers?: Record<string, string>,
): void {
  const body = `${sentence}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body); // Node leaves the body out where the request was HEAD.
}
