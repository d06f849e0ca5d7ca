/**
 * Why something could not be measured. Callers look at `kind`; nobody parses a message.
 */
export type ProbeErrorKind =
  /** The library, driver or device is not on this machine. Not a fault. */
  | 'absent'
  /** It is there, but this device or version does not offer what was asked. Not a fault. */
  | 'unsupported'
  /** The operating system or the driver refused: permissions, a container's limits. */
  | 'denied'
  /** It was there and went away: a GPU that fell off the bus, a driver that was unloaded. */
  | 'lost'
  /** A driver call did not answer within its time. */
  | 'stuck'
  /** It answered, but not as its specification says; or a fault of our own. */
  | 'broken';

/** A failed probe: what kind of failure, what was attempted, and what would mend it where that is known. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly kind: ProbeErrorKind;
  /** A sentence or a command that mends it, for a person. */
  readonly remedy: string | undefined;

  constructor(kind: ProbeErrorKind, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.remedy = options.remedy;
  }

  /** Any thrown value as a ProbeError; what is not one already is `broken`. */
  static from(error: unknown): ProbeError {
    if (error instanceof ProbeError) return error;
    return new ProbeError('broken', messageOf(error), { cause: error });
  }
}

/**
 * Runs a probe whose value a device may lack: `absent` and `unsupported` are answers and give `undefined`;
 * any other failure is thrown.
 */
export function optional<T>(probe: () => T): T | undefined {
  try {
    return probe();
  } catch (error) {
    if (error instanceof ProbeError && (error.kind === 'absent' || error.kind === 'unsupported')) return undefined;
    throw error;
  }
}

/** What was thrown, as a text. Never throws, as `String` does for an object without a prototype. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'something that has no text';
  }
}
