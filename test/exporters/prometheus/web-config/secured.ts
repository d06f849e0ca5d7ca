/** A service behind a web configuration, and clients of it over TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ExporterConfig } from '../../../../src/exporters/prometheus/exporter.ts';
import { type Answer, serve } from '../service.ts';
import { type Authority, createAuthority, type Pair } from './certificates.ts';

/** A folder that is gone when the test is. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'accelmeter-web-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

export interface Client extends Partial<Pair> {
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly auth?: string;
  readonly path?: string;
}

/** Serves by a configuration of these lines; server.crt, server.key and ca.crt lie beside it. */
export async function serveSecured(lines: readonly string[], config: ExporterConfig = {}) {
  const authority = await authorityOfTests();
  const at = folder();
  const file = join(at, 'web.yml');
  const { cert, key } = await authority.issue('server');
  writeFileSync(join(at, 'server.crt'), cert);
  writeFileSync(join(at, 'server.key'), key);
  writeFileSync(join(at, 'ca.crt'), authority.cert);
  writeFileSync(file, lines.join('\n'));
  const notices: string[] = [];
  const service = await serve({ webConfigFile: file, onNotice: (said) => notices.push(said), ...config });
  return {
    ...service,
    folder: at,
    file,
    notices,
    authority,
    /** One request over TLS, on a connection of its own. */
    ask: (client: Client = {}) => askSecurely(service.port, { ca: authority.cert, ...client }),
  };
}

export interface SecureAnswer extends Answer {
  readonly protocol: string | null;
  readonly cipher: string;
}

function askSecurely(port: number, { path = '/healthz', ...client }: Client & { ca: string }) {
  return new Promise<SecureAnswer>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, ...client }, (response) => {
      const socket = response.socket as import('node:tls').TLSSocket;
      const told = { protocol: socket.getProtocol(), cipher: socket.getCipher().standardName };
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body, ...told }));
    });
    asked.on('error', reject).end();
  });
}

let authority: Promise<Authority> | undefined;

/** The same in all tests of a file: keys take time. */
export function authorityOfTests(): Promise<Authority> {
  authority ??= createAuthority('accelmeter tests');
  return authority;
}
