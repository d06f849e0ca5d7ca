/**
 * Follows a web configuration: the file, and the certificates and keys that it names. What changes is taken once it has
 * stayed as it is for a moment, because an editor or a copy may be in the midst of it, and half a file can be a valid
 * one that asks nobody for a password. What cannot be followed is refused, and what was before it stays.
 *
 * Files are stat'ed twice a second and not watched: watching does not see through the symbolic links by which
 * Kubernetes swaps a whole folder, nor network file systems.
 */
import { readFileSync, statSync } from 'node:fs';
import { WebConfigError } from './fields.ts';
import { filesOf, type LoadedTls, loadTls } from './tls.ts';
import { parseWebConfig, type WebConfig } from './web-config.ts';

/** A configuration with all that it names. */
export interface LoadedConfig extends Omit<WebConfig, 'tls'> {
  readonly tls: LoadedTls | undefined;
}

export interface FollowOptions {
  /** The file. */
  readonly file: string;
  /** Told of a configuration in place of the one before. */
  readonly changed: (config: LoadedConfig) => void;
  /** Told once of each change that cannot be followed. */
  readonly refused: (error: WebConfigError) => void;
}

export interface FollowedConfig {
  /** As it was at the beginning. */
  readonly config: LoadedConfig;
  stop(): void;
}

const lookEveryMillis = 500;

/** Reads a configuration, and goes on to look. Throws a WebConfigError where it cannot be followed now. */
export function followWebConfig({ file, changed, refused }: FollowOptions): FollowedConfig {
  const first = attempt(file);
  if (first.config === undefined) throw first.error;
  let { files, state: judged } = first;
  let seen = judged;

  function look(): void {
    const before = seen;
    seen = stateOf(files);
    if (seen === judged || seen !== before) return;
    const next = attempt(file, 'refuse an empty file');
    if (!next.settled) return; // it changes while it is read: the next look will see
    // Of one that is refused, its own files are looked at as well as those that are in use: any may mend it.
    files = next.config ? next.files : [...new Set([...next.files, ...files])];
    seen = judged = stateOf(files);
    if (next.config) changed(next.config);
    else refused(next.error);
  }

  const timer = setInterval(look, lookEveryMillis).unref();
  return { config: first.config, stop: () => clearInterval(timer) };
}

type Attempt = {
  /** The configuration and the files that it names. */
  readonly files: readonly string[];
  readonly state: string;
  /** Whether nothing changed meanwhile. */
  readonly settled: boolean;
} & ({ readonly config: LoadedConfig } | { readonly config: undefined; readonly error: WebConfigError });

function attempt(file: string, empty?: 'refuse an empty file'): Attempt {
  let files = [file];
  const own = stateOf(files);
  let state = own;
  const whole = () => ({ files, state, settled: stateOf([file]) === own && stateOf(files) === state });
  try {
    const content = readConfig(file);
    // As the first configuration it is one that protects nothing; in place of another it is a file being written.
    if (empty && content.trim() === '') throw new WebConfigError(file, undefined, 'the file is empty');
    const parsed = parseWebConfig(file, content);
    files = [file, ...(parsed.tls ? filesOf(parsed.tls, file) : [])];
    state = stateOf(files);
    const config = { ...parsed, tls: parsed.tls && loadTls(parsed.tls, file) };
    return { ...whole(), config };
  } catch (error) {
    if (!(error instanceof WebConfigError)) throw error;
    return { ...whole(), config: undefined, error };
  }
}

function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new WebConfigError(file, undefined, `it cannot be read: ${(error as Error).message}`);
  }
}

/** What tells a file that was changed or replaced, behind whatever symbolic links. */
function stateOf(files: readonly string[]): string {
  return files.map(stateOfOne).join(' ');
}

function stateOfOne(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join('.');
  } catch {
    return 'absent';
  }
}
