/** What a command could not do, said to its user without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
