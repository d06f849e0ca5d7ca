/**
 * Patterns in which `*` stands for any characters, as operators write them. Compared from left to right with the last
 * `*` alone to come back to, so a pattern of many stars costs its length times that of the text, and not a power of it
 * as a regular expression does: a pattern is compared within the tick of a service.
 */

/** Something that says of a text whether it is meant: a pattern, or a regular expression. */
export interface Matcher {
  test(text: string): boolean;
}

/** Matches the whole text. */
export class Glob implements Matcher {
  readonly pattern: string;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  test(text: string): boolean {
    return matches(this.pattern, text);
  }
}

function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resumeAt = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      p += 1;
      resumeAt = t;
    } else if (pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star !== -1) {
      // The star takes one character more.
      p = star + 1;
      resumeAt += 1;
      t = resumeAt;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
