/** A service that waits: for how much CPU a second, alone, measured, or with measuring paused. Prints the share. */
const [how, seconds] = [process.argv[2], Number(process.argv[3])];
const pass = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const profiler = how === 'alone' ? undefined : await (await import('accelmeter')).createProfiler();
if (how === 'paused') profiler.pause();
await pass(1000);
const before = process.cpuUsage();
await pass(seconds * 1000);
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ share: (user + system) / 1e6 / seconds, told: profiler?.status().self.share }));
process.exit();
