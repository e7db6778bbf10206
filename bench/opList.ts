// SPDX-License-Identifier: MIT
import { FrameEncoder } from '../src/network/FrameEncoder.ts';
import { readManifest, readModelFile } from '../src/network/manifest.ts';
import type { Network } from '../src/network/Network.ts';
import { SourceUpdater } from '../src/network/SourceUpdater.ts';
import { sourceChains } from '../src/network/sourceChains.ts';
import { FLOW_BETA, SOLVER } from '../src/odometry/solver.ts';
import type { TimedOp } from './opTimings.ts';
import {
  bundleAdjustCost,
  contextEncoderCost,
  correlationCost,
  featureEncoderCost,
  insertCost,
  prepareCost,
  sumOf,
  updateCost,
} from './stageCosts.ts';
import type { SyntheticProblem } from './syntheticProblem.ts';

/** The native ops of a frame, in their order. */
export function nativeOps({ ops, area, graph, image, calibration, work }: SyntheticProblem): TimedOp[] {
  const { buffers } = ops;
  const { pairs, patches, freePoses, bundleAdjustIterations: iterations } = work;
  const slot = graph.frames.at(-1)!.slot;
  const other = graph.frames.at(-2)!.slot;
  const poses = buffers.poses.slice();
  const flags = new Uint8Array(pairs).fill(1);
  const channels = work.sizes.inputChannels;
  const { width, height } = calibration;
  return [
    {
      name: 'prepareImage',
      run: () => ops.prepareImage(image, width, height, channels, width * channels),
      cost: prepareCost(work),
    },
    { name: 'samplePatches random', run: () => ops.samplePatches(slot, 0, 0, 'random', 1, area) },
    { name: 'samplePatches gradient', run: () => ops.samplePatches(slot, 0, 0, 'gradient', 1, area) },
    { name: 'insertFrame', run: () => ops.insertFrame(slot), cost: insertCost(work) },
    { name: `correlate ${pairs} x ${patches}`, run: () => ops.correlate(pairs), cost: correlationCost(work) },
    {
      name: `bundleAdjust ${pairs} x ${patches}, ${freePoses} poses`,
      before: () => {
        buffers.poses.set(poses);
        buffers.delta.fill(0);
        buffers.weight.fill(0.5);
      },
      run: () => ops.bundleAdjust(pairs, { ...SOLVER, freePoses, iterations }),
      cost: bundleAdjustCost(work),
    },
    { name: 'assessHealth, all pairs', run: () => ops.assessHealth(pairs, flags, 1, 0, SOLVER.margin) },
    { name: 'flowMagnitude', run: () => ops.flowMagnitude(other, slot, FLOW_BETA) },
    { name: 'pointCloud', run: () => ops.pointCloud(slot) },
  ];
}

/** What is different when feature maps are held as bytes. */
export function byteOps({ ops, graph, work: { pairs, patches } }: SyntheticProblem): TimedOp[] {
  const slot = graph.frames.at(-1)!.slot;
  return [
    { name: 'insertFrame int8', run: () => ops.insertFrame(slot) },
    { name: `correlate int8 ${pairs} x ${patches}`, run: () => ops.correlate(pairs) },
  ];
}

/** The networks as the odometry runs them, on all cores. */
export function networkOps(network: Network, { graph, hidden, work }: SyntheticProblem): TimedOp[] {
  const tables = { source: graph.source, sourceIndex: graph.sourceIndex, previous: graph.previous, next: graph.next };
  return [
    {
      name: 'network.encode',
      run: () => network.encode(),
      cost: sumOf(featureEncoderCost(work), contextEncoderCost(work)),
    },
    {
      name: `network.update ${work.pairs} x ${work.patches}`,
      run: () => network.update({ ...hidden.batch(work.pairs), ...tables }),
      cost: updateCost(work),
    },
  ];
}

/** Each part of the network by itself: the encoders on all cores, the update operator on one, with the pairs of one source. */
export async function networkParts(
  modelDir: string,
  threads: number,
  problem: SyntheticProblem,
): Promise<{ parts: TimedOp[]; close(): Promise<void> }> {
  const { ops, graph, hidden, work } = problem;
  const manifest = readManifest(modelDir);
  const open = (part: 'features' | 'context') =>
    FrameEncoder.open(readModelFile(modelDir, manifest, part), `${part} encoder`, threads);
  const features = await open('features');
  const context = await open('context');
  const updater = await SourceUpdater.open(readModelFile(modelDir, manifest, 'update'), manifest.sizes);
  const shape = { width: work.width, height: work.height, patches: work.patches, buffers: ops.buffers };
  features.bindFeatures(shape, manifest.sizes);
  context.bindContext(shape, manifest.sizes);
  const batch = { ...hidden.batch(work.pairs), source: graph.source };
  const [longest] = sourceChains({
    count: work.pairs,
    source: graph.source,
    previous: graph.previous,
    next: graph.next,
  });
  const parts = [
    { name: 'feature encoder', run: () => features.run(), cost: featureEncoderCost(work) },
    { name: 'context encoder', run: () => context.run(), cost: contextEncoderCost(work) },
    {
      name: `update of one source, ${longest!.length} pairs, one thread`,
      run: () => updater.run(longest!, batch, work.patches),
      cost: updateCost({ ...work, pairs: longest!.length, sources: 1 }),
    },
  ];
  return {
    parts,
    close: async () => void (await Promise.all([features, context, updater].map((part) => part.close()))),
  };
}
