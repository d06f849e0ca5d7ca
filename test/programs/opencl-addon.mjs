/** A program whose OpenCL is in a native addon. It computes, and prints how many kernels that took. */
import { createRequire } from 'node:module';

const addon = createRequire(import.meta.url)(process.env.ADDON);
process.stdout.write(JSON.stringify(addon.run()));
