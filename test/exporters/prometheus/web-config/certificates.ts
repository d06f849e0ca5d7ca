/** Certificates for tests: an authority, and servers and clients of it. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Pair {
  /** A certificate by this authority. Names are `dns:…`, `ip:…`, `email:…` or `url:…`. */
  issue(name: string, alternatives?: readonly `${x509.GeneralNameType}:${string}`[]): Promise<Pair>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

/** A new authority. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto,
  );
  return {
    cert: root.toString('pem'),
    key: await pemOf(keys.privateKey),
    async issue(subject, alternatives = ['dns:localhost', 'ip:127.0.0.1']) {
      const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const certificate = await x509.X509CertificateGenerator.create(
        {
          subject: `CN=${subject}`,
          issuer: root.subject,
          publicKey: own.publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: algorithm,
          notBefore: new Date(Date.now() - day),
          notAfter: new Date(Date.now() + day),
          extensions: [new x509.SubjectAlternativeNameExtension(alternatives.map(generalName))],
        },
        webcrypto,
      );
      return { cert: certificate.toString('pem'), key: await pemOf(own.privateKey) };
    },
  };
}

function generalName(text: string): x509.JsonGeneralName {
  const colon = text.indexOf(':');
  return { type: text.slice(0, colon) as x509.GeneralNameType, value: text.slice(colon + 1) };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
