/**
 * Programs as they are built. `node opencl-builds.mjs <name>` runs one of these and prints, as JSON, how each build
 * ended: OpenCL's code and the seconds that the program waited for it.
 */
import koffi from 'koffi';
import { call, cl, firstDevice, handles, made, p } from './opencl.mjs';

const calls = {
  compile: call('clCompileProgram', 'int', p, 'uint', p, 'const char *', 'uint', p, p, p, p),
  link: call('clLinkProgram', p, p, 'uint', p, 'const char *', 'uint', p, p, p, p),
};
const right = '__kernel void right(__global float *a) { a[0] = 1; }';
const notification = koffi.pointer(koffi.proto('void built(void *, void *)'));
const wrong = '__kernel void wrong(__global float *a) { a[0] = nonsense; }';

const device = firstDevice();
const context = made((code) => cl.createContext(null, 1, handles(device), null, null, code));
const program = (source) => made((code) => cl.createProgramWithSource(context, 1, [source], null, code));

const builds = {
  /** Before it returns: for a named device, for all, and a wrong one. A refused call is no build. */
  atOnce() {
    cl.buildProgram(program(right), 3, null, '', null, null);
    return [
      timed(() => cl.buildProgram(program(right), 1, handles(device), '', null, null)),
      timed(() => cl.buildProgram(program(right), 0, null, '', null, null)),
      timed(() => cl.buildProgram(program(wrong), 1, handles(device), '', null, null)),
    ];
  },

  /** In two steps, and with a step that fails. */
  inSteps() {
    const compiled = program(right);
    const linked = (...programs) => {
      const code = new Int32Array(1);
      calls.link(context, 1, handles(device), '', programs.length, handles(...programs), null, null, code);
      return code[0];
    };
    return [
      timed(() => calls.compile(compiled, 1, handles(device), '', 0, null, null, null, null)),
      timed(() => linked(compiled)),
      timed(() => calls.compile(program(wrong), 1, handles(device), '', 0, null, null, null, null)),
    ];
  },

  /** With a callback, which gets the program and the data that were given. */
  async calledBack() {
    const built = [];
    const alive = setTimeout(() => process.exit(9), 10_000); // a driver's thread keeps no program alive
    for (const source of [right, wrong]) {
      const started = performance.now();
      const building = program(source);
      built.push(
        await new Promise((resolve, reject) => {
          const notify = koffi.register((of, data) => {
            if (of !== building || data !== 77n) reject(new Error(`called back for ${of} with ${data}`));
            resolve([source === right ? 0 : -11, (performance.now() - started) / 1000]);
          }, notification);
          cl.buildProgram(building, 1, handles(device), '', notify, 77n);
        }),
      );
    }
    clearTimeout(alive);
    return built;
  },
};

function timed(build) {
  const started = performance.now();
  const code = build();
  return [code, (performance.now() - started) / 1000];
}

process.stdout.write(JSON.stringify(await builds[process.argv[2]]()));
