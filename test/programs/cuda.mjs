/**
 * A program that uses CUDA: starts the driver whose library CUDA_UNDER_TEST names, and does what its argument says.
 * What runs on the GPU is in the scenario of a stub of CUPTI, where there is one. Prints what it knows itself.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';

const environment = process.env;
/**
 * As root NVIDIA's library would make device files where no driver is loaded. So what has to be read is read, and then
 * the process becomes nobody's.
 */
function startCuda() {
  const start = koffi.load(environment.CUDA_UNDER_TEST).func('cuInit', 'int', ['uint']);
  if (environment.AS_NOBODY === '1' && process.getuid() === 0) {
    koffi.load(environment.ACCELMETER_CUPTI_LIBRARY);
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
  }
  return start(0);
}
/** The stub of CUPTI that the tracer has loaded: the same library. */
const stub = () => {
  const library = koffi.load(environment.ACCELMETER_CUPTI_LIBRARY);
  return {
    play: library.func('stub_cupti_play', 'double', ['str']),
    enabled: library.func('stub_cupti_enabled', 'uint32_t', ['uint32_t']),
    attribute: library.func('stub_cupti_attribute', 'uint32_t', ['uint32_t']),
  };
};
const control = globalThis[Symbol.for('accelmeter')];

const programs = {
  /** Starts it, and lets the scenario play. */
  async plays() {
    const code = startCuda();
    await sleep(Number(environment.PLAYS_FOR ?? 300));
    return { code };
  },
  /** Starts a program of its own, which uses CUDA as well. */
  async starts() {
    const child = spawnSync(process.execPath, [process.argv[1], 'plays'], { encoding: 'utf8' });
    startCuda();
    await sleep(100);
    return { child: JSON.parse(child.stdout), stderr: child.stderr };
  },
  /** Pauses what measures it, and lets it go on. */
  async pauses() {
    startCuda();
    const { play, enabled } = stub();
    const kinds = () => [1, 2, 10, 22, 49].map(enabled);
    play('kernel name=before count=10');
    await sleep(150);
    control.pause();
    play('kernel name=paused count=10'); // CUPTI may still be asked: the tracer's thread has not seen the pause
    await sleep(300);
    const paused = { kinds: kinds(), source: control.source() };
    play('kernel name=paused count=10');
    control.resume();
    await sleep(300);
    play('kernel name=after count=10');
    return { paused, kinds: kinds() };
  },
  /** Ends what measures it, and begins anew. */
  async closes() {
    startCuda();
    const { play, enabled } = stub();
    play('kernel name=before');
    await sleep(150);
    const another = control.another();
    control.close();
    await sleep(300);
    const closed = enabled(10);
    play('kernel name=between');
    control.reopen();
    await sleep(300);
    play('kernel name=after');
    return { another, closed, reopened: enabled(10) };
  },
  /** Uses CUDA before anybody measures it, and afterwards. */
  async attached() {
    startCuda();
    await import('./observe-cuda.ts');
    await sleep(200);
    stub().play('kernel name=seen count=5');
    return {};
  },
  /** Uses CUDA before anybody measures it; what runs then is in the scenario. */
  async joined() {
    startCuda();
    await import('./observe-cuda.ts');
    await sleep(200);
    const control = globalThis[Symbol.for('accelmeter')];
    const before = control.exitListeners();
    control.another();
    return { more: control.exitListeners() - before };
  },
  /** Takes a variable of ours away before it uses CUDA. */
  async cleans() {
    delete environment[environment.TAKES_AWAY];
    const before = control.source();
    startCuda();
    await sleep(200);
    stub().play('kernel name=seen count=5');
    return before;
  },
  /** Asks what the tracer has set. */
  async settings() {
    startCuda();
    const { enabled, attribute } = stub();
    return { kinds: [1, 2, 10, 22, 49, 51].map(enabled), poolLimit: attribute(2), zeroed: attribute(5) };
  },
  /** Never uses CUDA. */
  async idles() {
    await sleep(50);
    return {};
  },
};

const result = await programs[process.argv[2]]();
process.stdout.write(JSON.stringify(result));
