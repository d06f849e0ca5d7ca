/** The words of `register` and `accelmeter run` in the program they measure. */
import { writeSync } from 'node:fs';

/**
 * Writes a line to stderr, or loses it where it can't be written now. Not through `process.stderr`: where its reader
 * has gone, that stream's error would be the program's uncaught exception.
 */
export function say(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // nobody reads it, or a full pipe would have to be waited for
  }
}
