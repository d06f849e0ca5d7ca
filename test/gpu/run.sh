#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: compares what we read with nvidia-smi, runs a CUDA program of which everything is known,
# times each call, measures what sampling and tracing cost, and records a capture. Needs Node.js 24, the production
# dependencies, gcc, and nvcc for the programs; no network.
#
#     bash test/gpu/run.sh [folder for results, gpu-results by default]
#
# Leaves the GPU's settings as they are. The exit code is 0 where all agreed. nvml-<GPU>.txt among the results belongs under
# test/captures: tests play it again where there is no GPU.
set -uo pipefail
cd "$(dirname "$0")/../.."
export RESULTS="${1:-gpu-results}"
mkdir -p "$RESULTS"
failed=0
step() {
  local log="$RESULTS/$1.log"
  shift
  echo "== ${!#}"
  "$@" 2>&1 | tee "$log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
}
nvidia-smi >"$RESULTS/nvidia-smi.txt" 2>&1 || { echo "nvidia-smi: there is no GPU here, or no driver"; exit 1; }
node scripts/build-native.mjs || failed=1
step nvml node --test --test-reporter=spec test/gpu/nvml.ts
step cuda-trace node --test --test-reporter=spec test/gpu/cuda-trace.ts
ACCELMETER_NVML_LIBRARY="${ACCELMETER_NVML_LIBRARY:-libnvidia-ml.so.1}" step sample-cost node bench/nvml.ts
node dist/src/cli.js doctor cuda >"$RESULTS/doctor.txt" 2>&1 || failed=1
cat "$RESULTS/doctor.txt"
exit "$failed"
