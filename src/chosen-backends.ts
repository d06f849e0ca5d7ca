/**
 * Which backends are asked for. Apart from the other options, since `register` needs this before the program's first
 * line and nothing else.
 */
import { type BackendName, backendNames } from './backend.ts';

/** Where nobody says which: all that this platform can have. Metal is Apple's, and NVIDIA drives no Mac. */
export function usualBackends(platform: NodeJS.Platform = process.platform): readonly BackendName[] {
  return backendNames.filter((name) => name !== (platform === 'darwin' ? 'cuda' : 'metal'));
}

/** What `ACCELMETER_BACKENDS` names: separated by commas, in any case, as OpenTelemetry's lists are written. */
export function backendsIn(text: string): readonly BackendName[] | undefined {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const given = names.filter((name) => name !== '');
  return given.length === 0 ? undefined : checkBackends(given);
}

/** In the order in which they are opened. Throws a TypeError for what is no list of backends. */
export function checkBackends(names: readonly string[] | undefined): readonly BackendName[] | undefined {
  if (names === undefined) return undefined;
  if (!Array.isArray(names)) throw new TypeError(`backends must be an array, such as ["${backendNames.join('", "')}"]`);
  const unknown = names.filter((name) => !backendNames.some((known) => known === name));
  if (unknown.length > 0) {
    throw new TypeError(`no backend is called "${unknown.join('", "')}"; there are ${backendNames.join(', ')}`);
  }
  return backendNames.filter((name) => names.includes(name));
}

/** True where the environment lets a backend be opened. What is malformed in it is said when all options are read. */
export function isChosen(backend: BackendName, environment: Readonly<Record<string, string | undefined>>): boolean {
  try {
    return backendsIn(environment.ACCELMETER_BACKENDS ?? '')?.includes(backend) ?? true;
  } catch {
    return true;
  }
}
