/** The addon of opencl-addon.mjs, loaded and with it the OpenCL loader, while nothing calls either yet. */
import { createRequire } from 'node:module';

createRequire(import.meta.url)(process.env.ADDON);
