// SPDX-License-Identifier: MIT
// Loaded before the command line program (node --import): sends a FrameRecord to the parent process after every frame. It wraps the native ops and
// PatchOdometry.track from outside, so that what is measured is the program as it is.
import { performance } from 'node:perf_hooks';

const COMPILED = process.env.QPVO_BENCH_CODE === 'dist';

const { loadAddon } = await load('native/loadAddon');
const { PatchOdometry } = await load('odometry/PatchOdometry');

const frame = { opsMs: {}, pairs: 0 };
let ops;

const addon = loadAddon();
addon.CpuOps = timed(addon.CpuOps);
if (addon.CudaPipeline !== undefined) addon.CudaPipeline = timed(addon.CudaPipeline);

const { track } = PatchOdometry.prototype;
PatchOdometry.prototype.track = async function (image) {
  frame.opsMs = {};
  frame.pairs = 0;
  const result = await track.call(this, image);
  process.send(record(result));
  return result;
};

function load(module) {
  return import(new URL(`../${COMPILED ? 'dist' : 'src'}/${module}.${COMPILED ? 'js' : 'ts'}`, import.meta.url));
}

function record({ state, skipped, T_world_camera, latencyMs, stagesMs }) {
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.timeOrigin + performance.now(),
    state,
    skipped,
    hasPose: T_world_camera !== undefined,
    latencyMs,
    stagesMs,
    opsMs: frame.opsMs,
    pairs: frame.pairs,
    targets: ops === undefined ? 0 : new Set(ops.buffers.pairTarget.subarray(0, frame.pairs)).size,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
    cpuMs: (user + system) / 1000,
    gpuMb: (addon.CudaPipeline?.memory().peakDevice ?? 0) / 2 ** 20,
  };
}

/** The class with every method timed; also notes how many pairs bundle adjustment had. */
function timed(CpuOps) {
  class TimedOps extends CpuOps {
    constructor(...args) {
      super(...args);
      ops = this;
    }
  }
  const methods = Object.entries(Object.getOwnPropertyDescriptors(CpuOps.prototype));
  for (const [name, { value }] of methods) {
    if (typeof value !== 'function' || name === 'constructor') continue;
    Object.defineProperty(TimedOps.prototype, name, { value: timedMethod(name, value) });
  }
  return TimedOps;
}

function timedMethod(name, method) {
  return function (...args) {
    if (name === 'bundleAdjust') frame.pairs = args[0];
    const from = performance.now();
    const add = () => {
      frame.opsMs[name] = (frame.opsMs[name] ?? 0) + performance.now() - from;
    };
    const result = method.apply(this, args);
    if (!(result instanceof Promise)) {
      add();
      return result;
    }
    return result.then((value) => {
      add();
      return value;
    });
  };
}
