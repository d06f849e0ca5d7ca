/** A job: launches a hundred kernels, and has nothing more to do. */
import { cl, launch, setUp } from './opencl.mjs';

const { kernel, queue } = setUp();
const [commands, scale] = [queue(), kernel('scale')];
for (let i = 0; i < 100; i++) launch(commands, scale);
cl.finish(commands);
process.exitCode = 3;
console.log('done');
