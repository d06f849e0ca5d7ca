/** The TLS section of a web configuration: its files read, as options of Node's server, and which clients it takes. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createSecureContext, getCACertificates, type TLSSocket, type TlsOptions } from 'node:tls';
import { cipherSuites, tls13Suites } from './ciphers.ts';
import { WebConfigError } from './fields.ts';
import type { ClientAuth, Pem, TlsSection } from './web-config.ts';

/** TLS as it is served. */
export interface LoadedTls {
  readonly options: TlsOptions;
  /** Whether a client whose handshake is done may ask anything. */
  admits(socket: TLSSocket): boolean;
}

/** How long a client may take for its handshake. */
const handshakeMillis = 10_000;

/** The files that a section names, relative to the folder of the configuration. */
export function filesOf({ cert, key, clientCa }: TlsSection, configFile: string): string[] {
  return [cert, key, clientCa].flatMap((pem) => (pem?.file === undefined ? [] : [pathOf(pem.file, configFile)]));
}

/** Reads certificate, key and authorities. Throws a WebConfigError for what cannot be served. */
export function loadTls(section: TlsSection, configFile: string): LoadedTls {
  const read = (pem: Pem) => readPem(pem, configFile);
  const cert = read(section.cert);
  const key = read(section.key);
  const ca = section.clientCa && read(section.clientCa);
  const fail = ({ place, field }: Pem, problem: string): never => {
    throw new WebConfigError(configFile, place, `${field}: ${problem}`);
  };
  if (!isValid(() => new X509Certificate(cert))) fail(section.cert, 'this is no certificate in PEM');
  if (!isValid(() => createPrivateKey(key))) fail(section.key, 'this is no private key in PEM without a password');
  if (section.clientCa && ca !== undefined && !isValid(() => new X509Certificate(ca))) {
    fail(section.clientCa, 'this is no certificate in PEM');
  }
  const options: TlsOptions = {
    cert,
    key,
    ca: ca ?? systemAuthorities(section.clientAuth),
    minVersion: section.minVersion,
    maxVersion: section.maxVersion,
    ciphers: ciphersOf(section),
    honorCipherOrder: section.preferServerCipherSuites,
    ...(section.curves.length > 0 && { ecdhCurve: section.curves.join(':') }),
    requestCert: section.clientAuth !== 'none',
    rejectUnauthorized: section.clientAuth === 'require-and-verify',
    handshakeTimeout: handshakeMillis,
    ALPNProtocols: ['http/1.1'],
  };
  if (!isValid(() => createSecureContext(options))) fail(section.key, 'the key does not belong to the certificate');
  return { options, admits: (socket) => admits(socket, section) };
}

function readPem({ file, inline, field, place }: Pem, configFile: string): string {
  if (file === undefined) return inline ?? '';
  try {
    return readFileSync(pathOf(file, configFile), 'utf8');
  } catch (error) {
    throw new WebConfigError(configFile, place, `${field} cannot be read: ${(error as Error).message}`);
  }
}

function pathOf(file: string, configFile: string): string {
  return resolve(dirname(configFile), file);
}

function isValid(make: () => unknown): boolean {
  try {
    make();
    return true;
  } catch {
    return false;
  }
}

/** As in Go the system's authorities are asked where the configuration names none. */
function systemAuthorities(clientAuth: ClientAuth): string[] | undefined {
  return clientAuth === 'verify-if-given' || clientAuth === 'require-and-verify'
    ? getCACertificates('system')
    : undefined;
}

/** OpenSSL allows the versions before 1.2 only where it is told to, since they need SHA-1. */
function ciphersOf({ cipherSuites: chosen, minVersion }: TlsSection): string {
  const names = chosen.length > 0 ? chosen : Object.values(cipherSuites);
  const list = [...new Set([...names, ...Object.values(tls13Suites)])].join(':');
  return minVersion < 'TLSv1.2' ? `${list}:@SECLEVEL=0` : list;
}

function admits(socket: TLSSocket, { clientAuth, clientAllowedSans }: TlsSection): boolean {
  if (clientAuth === 'none') return true;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    // Where names are listed, who shows none has none of them.
    return clientAllowedSans === undefined && (clientAuth === 'request' || clientAuth === 'verify-if-given');
  }
  const verified = clientAuth === 'verify-if-given' || clientAuth === 'require-and-verify';
  if (verified && !socket.authorized) return false;
  if (clientAllowedSans === undefined) return true;
  return alternativeNames(certificate.subjectAltName).some((name) => clientAllowedSans.includes(name));
}

/**
 * The names in a certificate as Node writes them, such as `DNS:a.example, IP Address:10.0.0.1`: without their kind, and
 * addresses as Go writes them. A name with an odd character is quoted there as in JSON, so that no name can pretend to
 * be two.
 */
export function alternativeNames(written = ''): string[] {
  const names: string[] = [];
  for (const [, kind, quoted, plain] of written.matchAll(
    /(?:^|, )(DNS|email|URI|IP Address):(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?=, |$)/g,
  )) {
    const name = quoted === undefined ? (plain ?? '') : unquote(quoted);
    if (name !== undefined) names.push(kind === 'IP Address' ? canonicalAddress(name) : name);
  }
  return names;
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** `2001:DB8:0:0:0:0:0:1` is `2001:db8::1`. */
function canonicalAddress(address: string): string {
  return address.includes(':') ? (URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address) : address;
}
