/** A service of a second and a half, in TypeScript. */
import { basename } from 'node:path';

const answer: number = 42;
setTimeout(() => console.log(answer, basename(import.meta.url), process.argv.length), 2500);
