/** A service of a second and a half, as an ES module. */
import { basename } from 'node:path';

setTimeout(() => console.log(42, basename(import.meta.url), process.argv.length), 2500);
