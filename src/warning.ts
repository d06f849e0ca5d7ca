/** Tells the programmer what is wrong with how accelmeter is used, without stopping the service. */
export function warn(problem: string): void {
  process.emitWarning(problem, { type: 'AccelmeterWarning' });
}
