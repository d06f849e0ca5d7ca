/** A service of a second and a half, as a CommonJS module. */
const { basename } = require('node:path');

setTimeout(() => console.log(42, basename(__filename), process.argv.length), 2500);
