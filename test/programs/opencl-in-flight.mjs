/**
 * OpenCL programs whose commands do not end as usual: they wait, they fail with what they wait for, or the program ends
 * before them. `node opencl-in-flight.mjs <name>` runs one and prints, as JSON, what the program itself knows of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { cl, handles, launch, made, must, setUp } from './opencl.mjs';

const scenarios = {
  /** Ends while kernels run. */
  exitsInFlight() {
    const { kernel, queue } = setUp({ elements: 65_536 });
    const each = queue();
    const spin = kernel('spin');
    for (let i = 0; i < 50; i += 1) launch(each, spin, { elements: 65_536 });
    must(cl.flush(each));
    return 50;
  },

  /** Ends while a command waits for something that never happens. */
  neverCompletes() {
    const { context, kernel, queue } = setUp();
    const gate = made((code) => cl.createUserEvent(context, code));
    const each = queue();
    launch(each, kernel('add'), { after: [gate] });
    must(cl.flush(each));
    return 1;
  },

  /** Commands that wait for one that fails, also through each other: all fail, and none is told of by PoCL 3.1. */
  failedWaits() {
    const { context, kernel, queue } = setUp();
    const each = queue();
    const add = kernel('add');
    const gate = made((code) => cl.createUserEvent(context, code));
    const events = [launch(each, add, { after: [gate], wanted: true })];
    for (let i = 0; i < 9; i += 1) events.push(launch(each, add, { after: [events[i]], wanted: true }));
    must(cl.flush(each));
    must(cl.setUserEventStatus(gate, -5));
    const codes = events.map((event) => cl.waitForEvents(1, handles(event)));
    for (const event of events) must(cl.releaseEvent(event));
    launch(each, add);
    must(cl.finish(each));
    return codes;
  },

  /** The same, and nobody ever looks. */
  failedUnseen() {
    const { context, kernel, queue } = setUp();
    const each = queue();
    const gate = made((code) => cl.createUserEvent(context, code));
    launch(each, kernel('add'), { after: [gate] });
    must(cl.flush(each));
    must(cl.setUserEventStatus(gate, -5));
    return 1;
  },

  /** Commands that wait, as many as are asked for, when the profiler looks; then they are let go. */
  async waiting() {
    const { context, kernel, queue } = setUp();
    const each = queue();
    const gate = made((code) => cl.createUserEvent(context, code));
    launch(each, kernel('add'), { after: [gate] });
    for (let i = 0; i < 6; i += 1) launch(each, kernel('add'));
    must(cl.flush(each));
    await pause(300);
    must(cl.setUserEventStatus(gate, 0));
    must(cl.finish(each));
    await pause(200);
    return 7;
  },
};

const result = await scenarios[process.argv[2]]();
process.stdout.write(JSON.stringify(result));
