/** What a web configuration says, and where one is refused. */
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../../../src/exporters/prometheus/web-config/duration.ts';
import { alternativeNames } from '../../../../src/exporters/prometheus/web-config/tls.ts';
import { parseWebConfig } from '../../../../src/exporters/prometheus/web-config/web-config.ts';

const parse = (...lines: string[]) => parseWebConfig('web.yml', lines.join('\n'));
const hash = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';
const tls = ['tls_server_config:', '  cert_file: server.crt', '  key_file: server.key'];

describe('a configuration', () => {
  test('that is empty protects nothing', () => {
    expect(parse('')).toEqual({ tls: undefined, headers: new Map(), users: new Map(), rateLimit: undefined });
    expect(parse('# only a remark')).toEqual(parse(''));
    expect(parse('tls_server_config:', 'basic_auth_users:', 'http_server_config:', 'rate_limit:')).toEqual(parse(''));
  });

  test('has the defaults of the documentation', () => {
    expect(parse(...tls).tls).toMatchObject({
      cert: { file: 'server.crt', place: { line: 2, column: 14 } },
      key: { file: 'server.key' },
      clientCa: undefined,
      clientAuth: 'none',
      clientAllowedSans: undefined,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      cipherSuites: [],
      preferServerCipherSuites: true,
      curves: [],
    });
  });

  test('can say everything that is documented', () => {
    const config = parse(
      'tls_server_config:',
      '  cert: |',
      '    CERTIFICATE',
      '  key: "KEY"',
      '  client_ca: CA',
      '  client_auth_type: RequireAndVerifyClientCert',
      '  client_allowed_sans: [prometheus.example, 10.0.0.1]',
      '  min_version: TLS10',
      '  max_version: TLS12',
      '  cipher_suites:',
      '    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
      '    - TLS_AES_128_GCM_SHA256',
      '  prefer_server_cipher_suites: no',
      '  curve_preferences: [CurveP384, X25519]',
      'http_server_config:',
      '  http2: off',
      '  headers:',
      "    Content-Security-Policy: default-src 'self'",
      '    X-Frame-Options: deny',
      '    X-Content-Type-Options: nosniff',
      '    X-XSS-Protection: 1',
      '    Strict-Transport-Security: ""',
      'basic_auth_users:',
      `  alice: ${hash}`,
      `  1234: ${hash}`,
      'rate_limit:',
      '  interval: 1s',
      '  burst: 20',
    );
    expect(config.tls).toMatchObject({
      cert: { inline: 'CERTIFICATE\n' },
      key: { inline: 'KEY' },
      clientCa: { inline: 'CA' },
      clientAuth: 'require-and-verify',
      clientAllowedSans: ['prometheus.example', '10.0.0.1'],
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.2',
      cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_AES_128_GCM_SHA256'],
      preferServerCipherSuites: false,
      curves: ['P-384', 'X25519'],
    });
    expect(Object.fromEntries(config.headers)).toEqual({
      'Content-Security-Policy': "default-src 'self'",
      'X-Frame-Options': 'deny',
      'X-Content-Type-Options': 'nosniff',
      'X-XSS-Protection': '1',
    });
    expect(Object.fromEntries(config.users)).toEqual({ alice: hash, 1234: hash });
    expect(config.rateLimit).toEqual({ intervalMillis: 1000, burst: 20 });
  });

  test('may use anchors', () => {
    const config = parse('basic_auth_users:', `  alice: &one ${hash}`, '  bob: *one');
    expect(config.users.get('bob')).toBe(hash);
  });

  test('has a file before what stands inline', () => {
    expect(parse(...tls, '  cert: INLINE').tls?.cert).toMatchObject({ file: 'server.crt' });
  });

  test.each([
    ['NoClientCert', 'none'],
    ['RequestClientCert', 'request'],
    ['RequireAnyClientCert', 'require-any'],
    ['RequireClientCert', 'require-any'],
    ['VerifyClientCertIfGiven', 'verify-if-given'],
    ['RequireAndVerifyClientCert', 'require-and-verify'],
  ])('has the client_auth_type %s', (name, clientAuth) => {
    expect(parse(...tls, `  client_auth_type: ${name}`).tls).toMatchObject({ clientAuth });
  });

  test.each([
    ['an interval of 0 is no limit', ['interval: 0', 'burst: 0'], undefined],
    ['a number is of nanoseconds', ['interval: 2000000', 'burst: 1'], { intervalMillis: 2, burst: 1 }],
  ])('in whose rate limit %s', (_, fields, rateLimit) => {
    expect(parse('rate_limit:', ...fields.map((field) => `  ${field}`)).rateLimit).toEqual(rateLimit);
  });
});

describe('a file is refused, with the line that is wrong, for', () => {
  const bad: readonly (readonly [string, readonly string[], string])[] = [
    ['what is no mapping', ['just words', 'and more'], '1:1: the web configuration must be a mapping of fields'],
    ['what is not YAML', ['tls_server_config:', '  cert: "open'], '2:'],
    ['two documents', ['{}', '---', '{}'], '2:'],
    [
      'an unknown section',
      ['rate_limit: {}', 'rate_limits: {}'],
      '2:1: unknown field "rate_limits" of the web configuration; there are',
    ],
    [
      'an unknown field',
      ['tls_server_config:', '  cert_filse: x'],
      '2:3: unknown field "cert_filse" of tls_server_config; there are',
    ],
    ['a field that stands twice', [...tls, '  cert_file: other'], '4:3: a field stands here for the second time'],
    [
      'a name that stands twice, as a number and as a text',
      ['basic_auth_users:', `  1: ${hash}`, `  "1": ${hash}`],
      '3:3: a field stands here for the second time',
    ],
    ['users by an alias of nothing', ['basic_auth_users: *userz'], '1:19: there is no anchor of this name'],
    ['TLS by an alias of nothing', ['tls_server_config: *missing'], '1:20: there is no anchor of this name'],
    [
      'a password by an alias of nothing',
      ['basic_auth_users:', '  alice: *one', `  bob: &one ${hash}`],
      '2:10: there is no anchor of this name',
    ],
    ['a list with an alias of nothing', [...tls, '  cipher_suites: [*none]'], '4:19: there is no anchor of this name'],
    ['a field named by an alias of nothing', ['*none : 1'], '1:1: there is no anchor of this name'],
    ['a list where a text belongs', ['tls_server_config:', '  cert_file: [a]'], '2:14: a text is wanted here'],
    ['a text where a list belongs', [...tls, '  cipher_suites: TLS_X'], '4:18: a list is wanted here'],
    [
      'a text where true or false belongs',
      [...tls, '  prefer_server_cipher_suites: perhaps'],
      '4:32: true or false is wanted here',
    ],
    [
      'no certificate',
      ['tls_server_config:', '  cert_file: ""', '  key_file: k'],
      '2:3: one of cert or cert_file is missing',
    ],
    ['no key', ['tls_server_config:', '  cert: x'], '2:3: one of key or key_file is missing'],
    [
      'a client_auth_type alone',
      ['tls_server_config:', '  client_auth_type: NoClientCert'],
      '2:3: one of cert or cert_file is missing',
    ],
    [
      'an unknown client_auth_type',
      [...tls, '  client_auth_type: Trust'],
      '4:21: unknown client_auth_type; there are NoClientCert,',
    ],
    [
      'authorities that nobody is checked by',
      [...tls, '  client_ca_file: ca.crt'],
      '4:19: client_ca_file is of no effect without a client_auth_type',
    ],
    [
      'names of clients without TLS',
      ['tls_server_config:', '  client_allowed_sans: [a]'],
      '2:3: client_allowed_sans is of no effect without TLS',
    ],
    ...['NoClientCert', 'RequestClientCert', 'RequireAnyClientCert', 'RequireClientCert'].map(
      (type) =>
        [
          `names of clients that nobody verifies, by ${type}`,
          [...tls, `  client_auth_type: ${type}`, '  client_allowed_sans: [a]'],
          '4:21: client_allowed_sans protects nothing where certificates are not verified',
        ] as const,
    ),
    [
      'names of clients that show none',
      [...tls, '  client_allowed_sans: [a]'],
      '2:3: client_allowed_sans protects nothing where certificates are not verified',
    ],
    [
      'an unknown cipher suite',
      [...tls, '  cipher_suites:', '    - TLS_RSA_WITH_RC4_128_SHA'],
      '5:7: unknown cipher suite "TLS_RSA_WITH_RC4_128_SHA"; there are',
    ],
    [
      'an unknown curve',
      [...tls, '  curve_preferences: [CurveP111]'],
      '4:23: unknown curve "CurveP111"; there are CurveP256,',
    ],
    ['an unknown version', [...tls, '  min_version: TLS14'], '4:16: unknown TLS version "TLS14"; there are TLS10,'],
    [
      'versions of which there is none',
      [...tls, '  min_version: TLS13', '  max_version: TLS12'],
      '2:3: min_version is above max_version',
    ],
    [
      'a header that is not theirs',
      ['http_server_config:', '  headers:', '    Server: x'],
      '3:5: the header "Server" can\'t be set; Strict-Transport-Security,',
    ],
    [
      'a header in other letters',
      ['http_server_config:', '  headers:', '    x-frame-options: deny'],
      '3:5: the header "x-frame-options" can\'t be set',
    ],
    [
      'a value that a header cannot have',
      ['http_server_config:', '  headers:', '    X-Frame-Options: allow'],
      '3:22: X-Frame-Options must be deny or sameorigin',
    ],
    [
      'a header of two lines',
      ['http_server_config:', '  headers:', '    X-XSS-Protection: "1\\n2"'],
      '3:23: X-XSS-Protection has a character that no header can have',
    ],
    [
      'a password that is not hashed',
      ['basic_auth_users:', '  alice: secret'],
      '2:10: the password of a user is wanted as a bcrypt hash',
    ],
    [
      'a hash with a cost that bcrypt does not have',
      ['basic_auth_users:', `  alice: ${hash.replace('$10$', '$32$')}`],
      '2:10: the password of a user',
    ],
    [
      'a hash whose check takes minutes',
      ['basic_auth_users:', `  alice: ${hash.replace('$10$', '$17$')}`],
      '2:10: a bcrypt hash of a cost above 16 takes too long to check',
    ],
    [
      'a user that no client can be',
      ['basic_auth_users:', `  "a:b": ${hash}`],
      '2:3: no client can send the name of a user that has a colon',
    ],
    ['a duration without a unit', ['rate_limit:', '  interval: "5"'], '2:13: a duration is wanted here, such as 1s'],
    ['a negative duration', ['rate_limit:', '  interval: -1s'], '2:13: a duration that is not negative is wanted here'],
    ['a burst that is no whole number', ['rate_limit:', '  burst: 1.5'], '2:10: a whole number is wanted here'],
    [
      'a limit that nobody is within',
      ['rate_limit:', '  interval: 1s'],
      '2:3: burst must be at least 1, or no request is ever answered',
    ],
  ];
  test.each(bad)('%s', (_, lines, message) => {
    expect(() => parse(...lines)).toThrow(`web.yml:${message}`);
  });

  test('what stands in it, without quoting passwords and keys', () => {
    const secret = 'Hunter2Hunter2';
    for (const lines of [
      ['basic_auth_users:', `  alice: ${secret}`],
      ['basic_auth_users:', `  alice: "${secret}`],
      ['basic_auth_users:', `  alice: "x" "${secret}"`],
      ['basic_auth_users:', `  alice: *${secret}`],
      [`basic_auth_users: ${secret}`],
      ['tls_server_config:', `  key: [${secret}]`],
      ['tls_server_config:', `  cert: %${secret}`],
    ]) {
      expect(() => parse(...lines)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }));
    }
  });
});

test.each([
  ['1s', 1000],
  ['1h2m3.5s', 3_723_500],
  ['1.5h', 5_400_000],
  ['250us', 0.25],
  ['250µs', 0.25],
  ['1ns', 1e-6],
  ['.5s', 500],
  ['-2ms', -2],
  ['+2ms', 2],
  ['0', 0],
  ['', undefined],
  ['5', undefined],
  ['s', undefined],
  ['1 s', undefined],
  ['1d', undefined],
])('the duration %o is %o ms', (text, millis) => {
  expect(parseDuration(text)).toBe(millis);
});

test('alternative names are read as Go writes them, and none can pretend to be two', () => {
  expect(
    alternativeNames(
      'DNS:a.example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1, email:a@b.example, URI:spiffe://x/y',
    ),
  ).toEqual(['a.example', '10.0.0.1', '2001:db8::1', 'a@b.example', 'spiffe://x/y']);
  expect(alternativeNames('DNS:"evil.example, DNS:good.example"')).toEqual(['evil.example, DNS:good.example']);
  expect(alternativeNames('DirName:CN = good.example, DNS:a.example')).toEqual(['a.example']);
  expect(alternativeNames(undefined)).toEqual([]);
});
