#!/usr/bin/env node
/** argv → command, nothing else. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(`accelmeter needs Node.js 22.15 or later; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  const { parse } = await import('./commands/all.ts');
  await parse(process.argv);
}

export {};
