/**
 * The web configuration file of Prometheus' exporter-toolkit, field for field:
 * https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md (read in July 2026).
 *
 * Where the toolkit takes a file that serves nobody or protects nothing, this refuses it: a rate limit of which no
 * request is ever within, versions of which the lowest is above the highest, names of clients to allow without TLS or
 * where nobody verifies them, passwords whose check takes minutes. An alias of nothing is refused and not read as no value.
 */
import type { SecureVersion } from 'node:tls';
import { isScalar, type Node } from 'yaml';
import { cipherSuites, curves, tls13Suites, versions } from './ciphers.ts';
import { parseDuration } from './duration.ts';
import {
  dictionary,
  flag,
  isNothing,
  list,
  mapping,
  oneOf,
  type Place,
  type Reader,
  readYaml,
  type Source,
  type Text,
  text,
  wholeNumber,
} from './fields.ts';

/** What a file says, with every default filled in. Files that it names have not been read yet. */
export interface WebConfig {
  /** `undefined`: plain HTTP. */
  readonly tls: TlsSection | undefined;
  /** Headers of every response but one that the rate limit refuses. */
  readonly headers: ReadonlyMap<string, string>;
  /** bcrypt hashes by user; none: nobody is asked. */
  readonly users: ReadonlyMap<string, string>;
  readonly rateLimit: RateLimit | undefined;
}

export interface TlsSection {
  readonly place: Place;
  readonly cert: Pem;
  readonly key: Pem;
  readonly clientCa: Pem | undefined;
  readonly clientAuth: ClientAuth;
  /** Names of which a client's certificate must have one; `undefined` for any. */
  readonly clientAllowedSans: readonly string[] | undefined;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** OpenSSL's names; empty: the defaults. */
  readonly cipherSuites: readonly string[];
  readonly preferServerCipherSuites: boolean;
  /** OpenSSL's names; empty: the defaults. */
  readonly curves: readonly string[];
}

/** PEM that stands in the configuration, or the file that it is in. */
export interface Pem {
  readonly place: Place;
  /** The field, for messages. */
  readonly field: string;
  readonly file?: string;
  readonly inline?: string;
}

/** Whether a client shows a certificate, and whether it must be of an authority that is known. */
export type ClientAuth = 'none' | 'request' | 'require-any' | 'verify-if-given' | 'require-and-verify';

/** A bucket of tokens: `burst` at most, one more every `intervalMillis`; a request takes one. */
export interface RateLimit {
  readonly intervalMillis: number;
  readonly burst: number;
}

const clientAuthTypes: Readonly<Record<string, ClientAuth>> = {
  NoClientCert: 'none',
  RequestClientCert: 'request',
  RequireAnyClientCert: 'require-any',
  RequireClientCert: 'require-any', // the older name
  VerifyClientCertIfGiven: 'verify-if-given',
  RequireAndVerifyClientCert: 'require-and-verify',
};

/** Without that a client can write any name into its own certificate. */
const verifies: ReadonlySet<ClientAuth> = new Set(['verify-if-given', 'require-and-verify']);

/** What can be set, and the values that are allowed where they are fixed. Blank is unset. */
const headerValues: Readonly<Record<string, readonly string[] | undefined>> = {
  'Strict-Transport-Security': undefined,
  'X-Content-Type-Options': ['nosniff'],
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-XSS-Protection': undefined,
  'Content-Security-Policy': undefined,
};

/** Some seconds; each further one doubles them, and whoever asks next waits. */
const highestCost = 16;

const noSection: Place = { line: 1, column: 1 };

/** A section with the place where it stands. */
function placed<T>(reader: Reader<T>): Reader<{ readonly fields: T; readonly place: Place }> {
  return (node, source) => ({ fields: reader(node, source), place: source.placeOf(node) });
}

const tlsFields = mapping('tls_server_config', {
  cert: text,
  key: text,
  client_ca: text,
  cert_file: text,
  key_file: text,
  client_auth_type: text,
  client_ca_file: text,
  client_allowed_sans: list(text),
  min_version: oneOf('TLS version', versions),
  max_version: oneOf('TLS version', versions),
  cipher_suites: list(oneOf('cipher suite', { ...cipherSuites, ...tls13Suites })),
  prefer_server_cipher_suites: flag,
  curve_preferences: list(oneOf('curve', curves)),
});

/** Go's `time.Duration`: a text with a unit, or a number of nanoseconds. */
const duration: Reader<number> = (node, source) => {
  if (isNothing(node)) return 0;
  const value = isScalar(node) && typeof node.value === 'number' ? node.value / 1e6 : undefined;
  const millis = value ?? parseDuration(text(node, source).value);
  if (millis === undefined) return source.fail(node, 'a duration is wanted here, such as 1s');
  return millis < 0 ? source.fail(node, 'a duration that is not negative is wanted here') : millis;
};

const sections = mapping('the web configuration', {
  tls_server_config: placed(tlsFields),
  http_server_config: mapping('http_server_config', {
    http2: flag, // HTTP/2 is not served, whatever this says
    headers: dictionary('headers', text, checkHeader),
  }),
  rate_limit: placed(mapping('rate_limit', { interval: duration, burst: wholeNumber })),
  basic_auth_users: dictionary('basic_auth_users', text, checkUser),
});

/** Reads the text of a file. Throws a WebConfigError. */
export function parseWebConfig(file: string, content: string): WebConfig {
  return readYaml(file, content, (node, source) => {
    const { tls_server_config, http_server_config, rate_limit, basic_auth_users } = sections(node, source);
    return {
      tls: tlsSection(tls_server_config?.fields ?? {}, tls_server_config?.place ?? noSection, source),
      headers: new Map(
        Array.from(http_server_config?.headers ?? [], ([name, { value }]) => [name, value] as const).filter(
          ([, value]) => value !== '',
        ),
      ),
      users: new Map(Array.from(basic_auth_users ?? [], ([name, { value }]) => [name, value] as const)),
      rateLimit: rateLimit(rate_limit?.fields ?? {}, rate_limit?.place ?? noSection, source),
    };
  });
}

function checkHeader(name: string, { value, place }: Text, source: Source, key: Node): void {
  if (!Object.hasOwn(headerValues, name)) {
    source.fail(key, `the header ${JSON.stringify(name)} can't be set; ${Object.keys(headerValues).join(', ')} can`);
  }
  const allowed = headerValues[name];
  if (value === '') return;
  if (allowed !== undefined && !allowed.includes(value)) {
    source.failAt(place, `${name} must be ${allowed.join(' or ')}`);
  }
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) source.failAt(place, `${name} has a character that no header can have`);
}

function checkUser(name: string, { value, place }: Text, source: Source, key: Node): void {
  if (name.includes(':')) source.fail(key, 'no client can send the name of a user that has a colon');
  const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(value)?.[1]);
  if (!(cost >= 4 && cost <= 31)) {
    source.failAt(place, 'the password of a user is wanted as a bcrypt hash, such as htpasswd -nBC 10 "" makes it');
  }
  if (cost > highestCost) source.failAt(place, `a bcrypt hash of a cost above ${highestCost} takes too long to check`);
}

function rateLimit(
  { interval = 0, burst = 0 }: { readonly interval?: number; readonly burst?: number },
  place: Place,
  source: Source,
): RateLimit | undefined {
  if (interval === 0) return undefined;
  if (burst < 1) source.failAt(place, 'burst must be at least 1, or no request is ever answered');
  return { intervalMillis: interval, burst };
}

function tlsSection(fields: ReturnType<typeof tlsFields>, place: Place, source: Source): TlsSection | undefined {
  const cert = pem('cert', fields.cert_file, fields.cert);
  const key = pem('key', fields.key_file, fields.key);
  const clientCa = pem('client_ca', fields.client_ca_file, fields.client_ca);
  const asked = fields.client_auth_type;
  if (!cert && !key && !clientCa && !asked?.value) {
    if (fields.client_allowed_sans !== undefined) {
      source.failAt(place, 'client_allowed_sans is of no effect without TLS: cert_file and key_file are missing');
    }
    return undefined;
  }
  if (!cert) return source.failAt(place, 'one of cert or cert_file is missing');
  if (!key) return source.failAt(place, 'one of key or key_file is missing');
  const clientAuth = asked?.value ? clientAuthTypes[asked.value] : 'none';
  if (clientAuth === undefined) {
    return source.failAt(
      asked?.place ?? place,
      `unknown client_auth_type; there are ${Object.keys(clientAuthTypes).join(', ')}`,
    );
  }
  if (clientCa && clientAuth === 'none') {
    source.failAt(clientCa.place, `${clientCa.field} is of no effect without a client_auth_type`);
  }
  if (fields.client_allowed_sans !== undefined && !verifies.has(clientAuth)) {
    source.failAt(
      asked?.value ? asked.place : place,
      'client_allowed_sans protects nothing where certificates are not verified: that takes RequireAndVerifyClientCert or VerifyClientCertIfGiven',
    );
  }
  const minVersion = fields.min_version ?? 'TLSv1.2';
  const maxVersion = fields.max_version ?? 'TLSv1.3';
  if (minVersion > maxVersion) source.failAt(place, 'min_version is above max_version');
  return {
    place,
    cert,
    key,
    clientCa,
    clientAuth,
    clientAllowedSans: fields.client_allowed_sans?.map(({ value }) => value),
    minVersion,
    maxVersion,
    cipherSuites: fields.cipher_suites ?? [],
    preferServerCipherSuites: fields.prefer_server_cipher_suites ?? true,
    curves: fields.curve_preferences ?? [],
  };
}

/** As in the toolkit a file comes before what stands inline, and an empty text is none. */
function pem(field: string, file: Text | undefined, inline: Text | undefined): Pem | undefined {
  if (file?.value) return { field: `${field}_file`, file: file.value, place: file.place };
  return inline?.value ? { field, inline: inline.value, place: inline.place } : undefined;
}
