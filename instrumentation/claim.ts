/** Who measures this process: `accelmeter run` or `register`, whichever came first. */

/** Of the process, not of this copy of the package: a program may bring its own. */
const claimed = Symbol.for('accelmeter.measured');

/**
 * True for the first who asks. Two would share the records of the layer, each would be told a part, and the second
 * would ask for the port of the first.
 */
export function claimProcess(): boolean {
  return claimed in globalThis ? false : Reflect.defineProperty(globalThis, claimed, { value: true });
}
