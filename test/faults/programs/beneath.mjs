/** Puts the layer BENEATH between ours and the driver: what is named first is nearest to it. */
process.env.OPENCL_LAYERS = `${process.env.BENEATH}:${process.env.OPENCL_LAYERS}`;
