/** What stands before the routes where there is a web configuration: its limit, its headers, its users. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FollowOptions, followWebConfig, type LoadedConfig } from '../web-config/config-file.ts';
import { createPasswordCheck } from '../web-config/passwords.ts';
import { createRateLimit } from '../web-config/rate-limit.ts';
import type { LoadedTls } from '../web-config/tls.ts';
import { answer } from './answer.ts';

export interface Gate {
  /** `undefined` for plain HTTP. */
  tls(): LoadedTls | undefined;
  /** Whether the request goes on. If not it has been answered. */
  admits(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  close(): void;
}

/** Reads a web configuration and follows it. Throws a WebConfigError where it cannot be followed from the beginning. */
export function openGate({ file, changed, refused }: FollowOptions): Gate {
  const followed = followWebConfig({
    file,
    changed(next) {
      // The bucket of a limit that stays is not filled anew.
      if (JSON.stringify(next.rateLimit) !== JSON.stringify(config.rateLimit)) within = limitOf(next);
      if (!sameUsers(next, config)) {
        // What is computed for those from before keeps nobody waiting.
        passwords.close();
        passwords = createPasswordCheck(next.users);
      }
      config = next;
      changed(next);
    },
    refused,
  });
  let { config } = followed;
  let passwords = createPasswordCheck(config.users);
  let within = limitOf(config);

  return {
    tls: () => config.tls,
    async admits({ headers }, response) {
      if (!within()) {
        answer(response, 429, 'Too Many Requests');
        return false;
      }
      for (const [name, value] of config.headers) response.setHeader(name, value);
      if (config.users.size === 0) return true;
      const verdict = await passwords.check(headers.authorization);
      if (verdict === 'refused') {
        answer(response, 401, 'Unauthorized', { 'WWW-Authenticate': 'Basic realm="metrics", charset="UTF-8"' });
      }
      if (verdict === 'busy') answer(response, 503, 'Too many passwords wait to be checked.', { 'Retry-After': '1' });
      return verdict === 'admitted';
    },
    close() {
      followed.stop();
      passwords.close();
    },
  };
}

function sameUsers(a: LoadedConfig, b: LoadedConfig): boolean {
  return JSON.stringify([...a.users]) === JSON.stringify([...b.users]);
}

function limitOf({ rateLimit }: LoadedConfig): () => boolean {
  return rateLimit === undefined ? () => true : createRateLimit(rateLimit);
}
