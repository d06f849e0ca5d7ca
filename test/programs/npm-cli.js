/** What npm does as far as others can see: a long-running Node process that starts the service. */
import { spawn } from 'node:child_process';

spawn(process.execPath, ['test/programs/module.mjs'], { stdio: 'inherit' }).on('exit', (code) => {
  setTimeout(() => process.exit(code), 300);
});
