/**
 * A service that computes with OpenCL, in one turn of its event loop that it does not yield: launches each of the
 * kernels named as `NAME`, times `COUNT` in all; `NAME` is one of those below. Then it idles, and says what it computed.
 */
import koffi from 'koffi';
import { cl, launch, made, must, setUp } from '../../programs/opencl.mjs';

/** The name of the kernel of a launch, as the bytes that the driver is given. */
const names = {
  one: () => 'add',
  long: () => 'x'.repeat(10_240),
  quoted: () => 'say "hi"\\{}=,\nnext\r\tend',
  bytes: () => Buffer.from('a\xff\xfe\x80\xc3(z', 'latin1'),
  many: (index) => `kernel_${index}`,
};
const createKernel = koffi.load('libOpenCL.so.1').func('clCreateKernel', 'void *', ['void *', 'void *', 'void *']);
const [nameOf, count] = [names[process.argv[2]], Number(process.argv[3])];

setTimeout(() => {
  globalThis.ownTurn();
  const { program, queue: createQueue, buffer, bytes } = setUp({ elements: 1 });
  const queue = createQueue();
  must(cl.enqueueWrite(queue, buffer, 1, 0n, bytes, new Float32Array([0]), 0, null, null));
  let kernel;
  for (let index = 0; index < count; index += 1) {
    if (index === 0 || process.argv[2] === 'many') kernel = create(program, nameOf(index), buffer);
    launch(queue, kernel, { elements: 1 });
    if (index % 1000 === 999) must(cl.finish(queue));
  }
  const result = new Float32Array(1);
  must(cl.enqueueRead(queue, buffer, 1, 0n, bytes, result, 0, null, null));
  console.log(`computed ${result[0]}`);
  setTimeout(() => {
    console.log('done');
    process.exit();
  }, 60_000);
  process.on('SIGUSR2', () => {
    console.log('done');
    process.exit();
  });
}, 700);

function create(program, name, buffer) {
  const text = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
  const kernel = made((code) => createKernel(program, text, code));
  must(cl.setKernelArg(kernel, 0, 8, new BigUint64Array([buffer])));
  return kernel;
}
