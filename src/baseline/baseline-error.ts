/** Why a baseline can't be kept, read or compared with. Callers look at `code`; nobody parses a message. */
export type BaselineErrorCode =
  /** There is no such file. */
  | 'missing'
  /** The system does not let it be read or written: a folder, a lack of permission, a full disk. */
  | 'inaccessible'
  /** It is no baseline: not JSON, cut off, or a value that no measurement gives. */
  | 'malformed'
  /** It is one of another format, by another version of accelmeter. */
  | 'version'
  /** No kernel of it has succeeded. */
  | 'empty'
  /** Both have kernels, and none in common. */
  | 'nothing_in_common';

export class BaselineError extends Error {
  override readonly name = 'BaselineError';
  readonly code: BaselineErrorCode;

  constructor(code: BaselineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
