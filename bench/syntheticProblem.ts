// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../src/camera/CameraCalibration.ts';
import type { OdometryParameters } from '../src/config/parameters.ts';
import type { CellArea, CpuOps } from '../src/native/addon.ts';
import { loadAddon } from '../src/native/loadAddon.ts';
import type { ModelManifest } from '../src/network/manifest.ts';
import { HiddenState } from '../src/odometry/HiddenState.ts';
import { PatchGraph } from '../src/odometry/PatchGraph.ts';
import { PoseTable } from '../src/odometry/PoseTable.ts';
import { runSetup } from '../src/odometry/runSetup.ts';
import { maxPairs, maxSources } from '../src/odometry/windows.ts';
import type { FrameWork } from './stageCosts.ts';

/** Ops with a full window of frames of noise, seen by a camera that moves sideways; nothing is recorded. */
export interface SyntheticProblem {
  ops: CpuOps;
  /** Where patches are sampled. */
  area: CellArea;
  graph: PatchGraph;
  hidden: HiddenState;
  /** A recorded image. */
  image: Uint8Array;
  calibration: CameraCalibration;
  work: FrameWork;
}

const STEP_PER_FRAME = 0.02;
const INVERSE_DEPTH = 0.5;

export async function syntheticProblem(
  calibration: CameraCalibration,
  manifest: ModelManifest,
  parameters: OdometryParameters,
  correlation: 'fp32' | 'int8' = 'fp32',
): Promise<SyntheticProblem> {
  const { options, undistortMap, camera, area } = await runSetup(calibration, manifest, parameters);
  const ops = await loadAddon().CpuOps.create(
    { ...options, correlation, instructionSet: '', correlationScale: 0 },
    undistortMap,
  );
  const { buffers } = ops;
  const hidden = new HiddenState(buffers, parameters.patchesPerFrame * manifest.sizes.hiddenDim);
  const graph = new PatchGraph(parameters, hidden, buffers.pairSource, buffers.pairTarget);
  const poses = new PoseTable(buffers.poses);
  const { width, height } = calibration;
  const { inputChannels } = manifest.sizes;
  const image = noise(width * height * inputChannels, 1);
  const pairs = maxPairs(parameters);
  for (let sequence = 0; graph.pairCount < pairs; sequence++) {
    graph.retire();
    graph.evict();
    const { slot } = graph.accept(sequence, BigInt(sequence));
    await ops.prepareImage(image, width, height, inputChannels, width * inputChannels);
    await ops.samplePatches(slot, 0, sequence, 'random', INVERSE_DEPTH, area);
    fillWithNoise(buffers.features, sequence + 2);
    fillWithNoise(buffers.context, sequence + 3);
    await ops.insertFrame(slot);
    poses.set(slot, { t: [STEP_PER_FRAME * sequence, 0, 0], q: [0, 0, 0, 1] });
  }
  graph.link();
  const work: FrameWork = {
    sizes: manifest.sizes,
    width: camera.width,
    height: camera.height,
    recordedWidth: width,
    recordedHeight: height,
    supersamples: Math.ceil(1 / camera.scale - 1e-9) ** 2,
    patches: parameters.patchesPerFrame,
    pairs,
    sources: maxSources(parameters),
    targets: new Set(graph.target.subarray(0, pairs)).size,
    freePoses: graph.poseVariables(buffers.poseVariable, true),
    bundleAdjustIterations: parameters.bundleAdjustIterations,
  };
  return { ops, area, graph, hidden, image, calibration, work };
}

/** Bytes of a linear congruential generator (Numerical Recipes): the same on every machine. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function fillWithNoise(array: Float32Array, seed: number): void {
  array.set(Float32Array.from(noise(array.length, seed), (byte) => byte / 127.5 - 1));
}
