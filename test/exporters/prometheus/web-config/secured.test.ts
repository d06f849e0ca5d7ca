/** TLS, clients' certificates, passwords, headers and limits, over real sockets. */
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from 'bcryptjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { PrometheusExporter } from '../../../../src/exporters/prometheus/exporter.ts';
import { ask, pause } from '../service.ts';
import { createAuthority, type Pair } from './certificates.ts';
import { authorityOfTests, folder, serveSecured } from './secured.ts';

const tls = ['tls_server_config:', '  cert_file: server.crt', '  key_file: server.key'];
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe('TLS', () => {
  test('is what is spoken, and nothing else', async () => {
    const { exporter, port, ask: get, meter } = await serveSecured(tls);
    meter.createGauge('size').record(1);
    expect(exporter.url).toBe(`https://127.0.0.1:${port}/`);
    expect(await get()).toMatchObject({ status: 200, body: 'ok\n', protocol: 'TLSv1.3' });
    expect((await get({ path: '/metrics' })).body).toMatch(/^size\{.*\} 1$/m);
    await expect(ask(port, '/healthz')).rejects.toThrow();
  });

  test('can have certificate and key inline', async () => {
    const { cert, key } = await (await authorityOfTests()).issue('inline');
    const block = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => `    ${line}`);
    const { ask: get } = await serveSecured([
      'tls_server_config:',
      '  cert: |',
      ...block(cert),
      '  key: |',
      ...block(key),
    ]);
    expect((await get()).status).toBe(200);
  });

  test('has the versions that are configured', async () => {
    const { ask: get } = await serveSecured([...tls, '  min_version: TLS12', '  max_version: TLS12']);
    expect((await get()).protocol).toBe('TLSv1.2');
    await expect(get({ minVersion: 'TLSv1.3' })).rejects.toThrow();
    const older = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(get(older)).rejects.toThrow();
    const old = await serveSecured([...tls, '  min_version: TLS10']);
    expect((await old.ask(older)).protocol).toBe('TLSv1.1');
  });

  test('has the cipher suites that are configured, and those of TLS 1.3', async () => {
    const { ask: get } = await serveSecured([
      ...tls,
      '  cipher_suites:',
      '    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      '    - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    ]);
    expect((await get()).protocol).toBe('TLSv1.3');
    const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';
    // The server's order, not the client's.
    expect((await get({ maxVersion: 'TLSv1.2', ciphers })).cipher).toBe('TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    await expect(get({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })).rejects.toThrow();
  });

  test('has the curves that are configured', async () => {
    const { ask: get } = await serveSecured([...tls, '  curve_preferences: [CurveP384]']);
    expect((await get({ ecdhCurve: 'P-384' })).status).toBe(200);
    await expect(get({ ecdhCurve: 'X25519' })).rejects.toThrow();
  });

  test('drops a handshake that does not go on, and what is none', async () => {
    const { port, ask: get } = await serveSecured(tls);
    await expect(ask(port, '/metrics')).rejects.toThrow();
    expect((await get()).status).toBe(200);
  });
});

describe("clients' certificates", () => {
  let own: Pair;
  let foreign: Pair;

  beforeAll(async () => {
    own = await (await authorityOfTests()).issue('prometheus', ['dns:prometheus.example', 'ip:2001:db8::7']);
    foreign = await (await createAuthority('somebody else')).issue('intruder', ['dns:prometheus.example']);
  });

  test.each([
    ['NoClientCert', { nobody: true, own: true, foreign: true }],
    ['RequestClientCert', { nobody: true, own: true, foreign: true }],
    ['RequireAnyClientCert', { nobody: false, own: true, foreign: true }],
    ['RequireClientCert', { nobody: false, own: true, foreign: true }],
    ['VerifyClientCertIfGiven', { nobody: true, own: true, foreign: false }],
    ['RequireAndVerifyClientCert', { nobody: false, own: true, foreign: false }],
  ])('%s admits %o', async (type, admitted) => {
    const ca = type === 'NoClientCert' ? [] : ['  client_ca_file: ca.crt'];
    const { ask: get } = await serveSecured([...tls, `  client_auth_type: ${type}`, ...ca]);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const isAdmitted = (client: Partial<Pair>) =>
        get({ maxVersion, ...client }).then(
          () => true,
          () => false,
        );
      expect({ nobody: await isAdmitted({}), own: await isAdmitted(own), foreign: await isAdmitted(foreign) }).toEqual(
        admitted,
      );
    }
  });

  test('are verified by the system where no authority is named', async () => {
    const { ask: get } = await serveSecured([...tls, '  client_auth_type: RequireAndVerifyClientCert']);
    await expect(get(own)).rejects.toThrow();
  });

  test.each([
    ['prometheus.example', true],
    ['2001:db8::7', true],
    ['other.example', false],
    ['PROMETHEUS.example', false],
  ])('with %s among the allowed names: %s', async (name, admitted) => {
    const { ask: get } = await serveSecured([
      ...tls,
      '  client_auth_type: RequireAndVerifyClientCert',
      '  client_ca_file: ca.crt',
      `  client_allowed_sans: [nobody.example, "${name}"]`,
    ]);
    expect(
      await get(own).then(
        () => true,
        () => false,
      ),
    ).toBe(admitted);
    await expect(get(foreign)).rejects.toThrow();
  });
});

test('where names are listed a certificate that may be left out is needed', async () => {
  const { ask: get, authority } = await serveSecured([
    ...tls,
    '  client_auth_type: VerifyClientCertIfGiven',
    '  client_ca_file: ca.crt',
    '  client_allowed_sans: [prometheus.example]',
  ]);
  await expect(get()).rejects.toThrow();
  await expect(get(await authority.issue('other', ['dns:other.example']))).rejects.toThrow();
  expect((await get(await authority.issue('prometheus', ['dns:prometheus.example']))).status).toBe(200);
});

describe('passwords', () => {
  const users = async () => [
    'basic_auth_users:',
    `  alice: ${await hash('in wonderland: ü', 4)}`,
    `  bob: ${await hash('b', 5)}`,
  ];

  test('are asked for on every path', async () => {
    const { get } = await serveSecured(await users());
    for (const path of ['/metrics', '/', '/healthz', '/nothing']) {
      const { status, headers, body } = await get(path);
      expect({ status, body }).toEqual({ status: 401, body: 'Unauthorized\n' });
      expect(headers['www-authenticate']).toMatch(/^Basic /);
    }
  });

  test('admit who has them, and nobody else', async () => {
    const { get } = await serveSecured(await users());
    const status = async (authorization: string) => (await get('/healthz', { headers: { authorization } })).status;
    for (let i = 0; i < 2; i++) {
      expect(await status(basic('alice', 'in wonderland: ü'))).toBe(200);
      expect(await status(basic('bob', 'b').replace('Basic', 'bAsIc'))).toBe(200);
      expect(await status(basic('alice', 'b'))).toBe(401);
      expect(await status(basic('nobody', 'b'))).toBe(401);
      expect(await status(basic('', ''))).toBe(401);
    }
    for (const other of ['Basic', 'Basic !', 'Basic YQ==', 'Bearer YTpi', `${basic('bob', 'b')}, x`]) {
      expect(await status(other)).toBe(401);
    }
  });

  test('work with hashes that htpasswd and others make', async () => {
    const made = await hash('pencil', 4);
    const versions = ['$2a$', '$2b$', '$2y$'].map((version, i) => `  user${i}: ${made.replace(/^\$2.\$/, version)}`);
    const { get } = await serveSecured(['basic_auth_users:', ...versions]);
    for (const user of ['user0', 'user1', 'user2']) {
      const headers = { authorization: basic(user, 'pencil') };
      expect((await get('/healthz', { headers })).status).toBe(200);
    }
  });
});

describe('headers and limits', () => {
  test('headers are on every answer, before our own', async () => {
    const { get } = await serveSecured([
      'http_server_config:',
      '  headers:',
      "    Content-Security-Policy: default-src 'none'",
      '    X-Frame-Options: deny',
      '    Strict-Transport-Security: max-age=31536000; includeSubDomains',
    ]);
    for (const path of ['/', '/metrics', '/nothing']) {
      expect((await get(path)).headers).toMatchObject({
        'content-security-policy': "default-src 'none'",
        'x-frame-options': 'deny',
        'strict-transport-security': 'max-age=31536000; includeSubDomains',
      });
    }
  });

  test('more requests than the limit are refused', async () => {
    const { get } = await serveSecured(['rate_limit:', '  interval: 300ms', '  burst: 3']);
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await get('/healthz')).status));
    expect(statuses.sort()).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
    await expect.poll(async () => (await get('/healthz')).status, { interval: 50 }).toBe(200);
  });
});

describe('a file that is wrong', () => {
  test.each([
    [['tls_server_config:', '  cert_filse: x'], ':2:3: unknown field "cert_filse"'],
    [
      ['tls_server_config:', '  cert_file: none.crt', '  key_file: server.key'],
      ':2:14: cert_file cannot be read: ENOENT',
    ],
    [
      ['tls_server_config:', '  cert_file: server.crt', '  key_file: ca.crt'],
      ':3:13: key_file: this is no private key in PEM',
    ],
    [
      ['tls_server_config:', '  cert_file: server.key', '  key_file: server.key'],
      ':2:14: cert_file: this is no certificate in PEM',
    ],
    [
      ['tls_server_config:', '  cert_file: ca.crt', '  key_file: server.key'],
      ':3:13: key_file: the key does not belong to the certificate',
    ],
    [
      [...tls, '  client_auth_type: RequestClientCert', '  client_ca_file: server.key'],
      ':5:19: client_ca_file: this is no certificate in PEM',
    ],
  ])('at the start keeps it from listening', async (lines, message) => {
    await expect(serveSecured(lines)).rejects.toThrow(message);
  });

  test('or missing as well; later it can be started', async () => {
    const file = join(folder(), 'web.yml');
    const exporter = new PrometheusExporter({ port: 0, preventServerStart: true, webConfigFile: file });
    await expect(exporter.startServer()).rejects.toThrow(`${file}: it cannot be read: ENOENT`);
    expect(exporter.port).toBeUndefined();
    writeFileSync(file, '');
    await exporter.startServer();
    expect((await ask(exporter.port ?? 0, '/healthz')).status).toBe(200);
    await exporter.stopServer();
  });
});

describe('a change', () => {
  const user = async (name: string) => ['basic_auth_users:', `  ${name}: ${await hash(name, 4)}`, ''].join('\n');
  const admits = (get: (path: string, options: object) => Promise<{ status: number | undefined }>, name: string) =>
    get('/healthz', { headers: { authorization: basic(name, name) } }).then(({ status }) => status === 200);

  test('is followed, and one that is wrong is refused with its line, once', async () => {
    const { get, file, notices } = await serveSecured([await user('old')]);
    expect(await admits(get, 'old')).toBe(true);
    writeFileSync(file, 'basic_auth_users:\n  new: secret\n');
    await expect.poll(() => notices, { timeout: 5000 }).toHaveLength(1);
    expect(notices[0]).toBe(
      `${file}:2:8: the password of a user is wanted as a bcrypt hash, such as htpasswd -nBC 10 "" makes it; the web configuration from before the change stays`,
    );
    expect(await admits(get, 'old')).toBe(true);
    writeFileSync(file, await user('new'));
    await expect.poll(() => admits(get, 'new'), { timeout: 5000 }).toBe(true);
    expect(await admits(get, 'old')).toBe(false);
    expect(notices).toHaveLength(2);
  });

  test('of a hash that takes long keeps nobody waiting for what was asked of the one before', async () => {
    const slow = (await hash('slow', 4)).replace('$04$', '$16$');
    const { get, file } = await serveSecured([`basic_auth_users:\n  slow: ${slow}\n`]);
    const asked = get('/healthz', { headers: { authorization: basic('slow', 'x') } });
    await pause(300);
    writeFileSync(file, await user('new'));
    expect((await asked).status).toBe(503);
    expect(await admits(get, 'new')).toBe(true);
  });

  test('to users by an alias of nothing leaves nobody in', async () => {
    const { get, file, notices } = await serveSecured([await user('old')]);
    writeFileSync(file, 'basic_auth_users: *userz\n');
    await expect.poll(() => notices.at(-1), { timeout: 5000 }).toContain(':1:19: there is no anchor of this name');
    expect((await get('/healthz')).status).toBe(401);
    expect(await admits(get, 'old')).toBe(true);
  });

  test('to an empty file, or to none, is a file that is being written', async () => {
    const { get, file, notices } = await serveSecured([await user('old')]);
    writeFileSync(file, '');
    await expect.poll(() => notices.at(-1), { timeout: 5000 }).toContain('the file is empty');
    unlinkSync(file);
    await expect.poll(() => notices.at(-1), { timeout: 5000 }).toContain('it cannot be read: ENOENT');
    expect((await get('/healthz')).status).toBe(401);
    expect(await admits(get, 'old')).toBe(true);
  });

  test('by which Kubernetes swaps a folder brings certificate, key and configuration at once', async () => {
    const at = folder();
    const authority = await authorityOfTests();
    const version = async (name: string, config: readonly string[]) => {
      const { cert, key } = await authority.issue(name, ['ip:127.0.0.1', `dns:${name}.example`]);
      mkdirSync(join(at, name));
      writeFileSync(join(at, name, 'web.yml'), config.join('\n'));
      writeFileSync(join(at, name, 'tls.crt'), cert);
      writeFileSync(join(at, name, 'tls.key'), key);
    };
    const secured = ['tls_server_config:', '  cert_file: tls.crt', '  key_file: tls.key'];
    await version('first', secured);
    await version('second', [...secured, '  max_version: TLS12']);
    symlinkSync('first', join(at, '..data'));
    for (const name of ['web.yml', 'tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(at, name));

    const { ask: get } = await serveSecured([], { webConfigFile: join(at, 'web.yml') });
    expect((await get()).protocol).toBe('TLSv1.3');
    symlinkSync('second', join(at, '..data_tmp'));
    renameSync(join(at, '..data_tmp'), join(at, '..data'));
    await expect.poll(async () => (await get()).protocol, { timeout: 5000 }).toBe('TLSv1.2');
  });

  test('from plain HTTP to TLS and back needs no restart', async () => {
    const { get, ask: securely, file, exporter } = await serveSecured([]);
    expect((await get('/healthz')).status).toBe(200);
    writeFileSync(file, tls.join('\n'));
    await expect
      .poll(
        () =>
          securely().then(
            ({ status }) => status,
            () => undefined,
          ),
        { timeout: 5000 },
      )
      .toBe(200);
    await expect(get('/healthz')).rejects.toThrow();
    await expect.poll(() => exporter.url).toMatch(/^https:/);
    writeFileSync(file, '{}');
    await expect
      .poll(
        () =>
          get('/healthz').then(
            ({ status }) => status,
            () => undefined,
          ),
        { timeout: 5000 },
      )
      .toBe(200);
  });
});
