/** A service of one second, as an ES module. */
import { basename } from 'node:path';

setTimeout(() => console.log(42, basename(import.meta.url), process.argv.length), 500);
