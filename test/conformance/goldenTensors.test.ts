// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CpuOps } from '../../src/native/addon.ts';
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import { listModels } from '../../src/network/modelFolder.ts';
import { readSafetensors } from '../../src/network/weights/safetensors.ts';
import { SOLVER } from '../../src/odometry/solver.ts';
import { makeOps } from '../native/makeOps.ts';

/** Absolute; single precision on both sides. */
const TOLERANCE = 1e-4;
const PAIRS = { source: [0, 0, 1, 1], target: [0, 1, 0, 1] };

const models = listModels();

it('there are models with golden tensors', () => assert.ok(models.length > 0));

// Inputs and outputs of every stage, computed with PyTorch in fp32 by the training code (training/qpvo_train/golden.py). Two frames, all four pairs. Here the
// stages between the networks, which are in goldenNetworks.test.ts.
for (const model of models) {
  describe(`golden tensors of the model ${model}`, () => {
    const folder = `models/${model}`;
    const manifest = readManifest(folder);
    const golden = readSafetensors(Buffer.from(readModelFile(folder, manifest, 'golden')), 'golden');
    const of = (name: string) => golden.get(name)!.data;
    const { featureDim, hiddenDim } = manifest.sizes;
    const [, , height, width] = golden.get('image')!.shape as [number, number, number, number];
    const patches = golden.get('cells')!.shape[1]!;
    it('reprojection and correlation', async () => {
      const ops = frameOps(of, { width, height, patches, featureDim, hiddenDim });
      for (let slot = 0; slot < 2; slot++) {
        ops.buffers.features.set(half(of('features'), slot));
        ops.buffers.cells.set(half(of('cells'), slot));
        await ops.insertFrame(slot);
      }
      await ops.correlate(4);
      const coords = of('coords');
      closeTo(
        ops.buffers.centre.slice(0, 8 * patches),
        coords.filter((_, n) => n % 18 === 8 || n % 18 === 9),
        'centre',
      );
      closeTo(ops.buffers.correlation.slice(0, 4 * patches * 882), of('correlation'), 'correlation');
    });

    it('a bundle adjustment', async () => {
      const ops = adjustOps(of, golden.get('adjust.depths')!.shape as [number, number]);
      const [frames, count] = golden.get('adjust.depths')!.shape as [number, number];
      const { poses, inverseDepth, patchStride } = ops.buffers;
      const report = await ops.bundleAdjust(frames ** 2, { ...SOLVER, freePoses: frames - 2, iterations: 2 });
      assert.deepEqual(report, { solved: true, validEdges: (frames ** 2 - frames) * count });
      closeTo(Float32Array.from(poses.subarray(0, 7 * frames)), of('adjust.posesOut'), 'poses');
      for (let slot = 0; slot < frames; slot++) {
        const expected = of('adjust.depthsOut').subarray(slot * count, (slot + 1) * count);
        closeTo(inverseDepth.slice(slot * patchStride, slot * patchStride + count), expected, 'inverse depths');
      }
    });
  });
}

type Tensors = (name: string) => Float32Array;

function half(data: Float32Array, n: number): Float32Array {
  return data.subarray((n * data.length) / 2, ((n + 1) * data.length) / 2);
}

/** Ops that hold poses, patches and pairs of the two frames. */
function frameOps(
  of: Tensors,
  sizes: Record<'width' | 'height' | 'patches' | 'featureDim' | 'hiddenDim', number>,
): CpuOps {
  const [fx, fy, cx, cy] = of('intrinsics') as unknown as [number, number, number, number];
  const { width, height } = sizes;
  const ops = makeOps({
    ...sizes,
    recordedWidth: width,
    recordedHeight: height,
    ringSlots: 2,
    maxPairs: 4,
    fx,
    fy,
    cx,
    cy,
  });
  const { buffers } = ops;
  buffers.poses.set(of('poses'));
  buffers.pairSource.set(PAIRS.source);
  buffers.pairTarget.set(PAIRS.target);
  for (let slot = 0; slot < 2; slot++) {
    const at = slot * buffers.patchStride;
    const cells = half(of('cells'), slot);
    buffers.patchX.set(
      cells.map((cell) => cell % (width / 4)),
      at,
    );
    buffers.patchY.set(
      cells.map((cell) => Math.floor(cell / (width / 4))),
      at,
    );
    buffers.inverseDepth.set(half(of('depths'), slot), at);
  }
  return ops;
}

/** Ops that hold the bundle adjustment's problem: all pairs, the first two poses held. The predictions are zero, so that the correction is the target. */
function adjustOps(of: Tensors, [frames, patches]: [number, number]): CpuOps {
  const [fx, fy, cx, cy] = of('adjust.intrinsics') as unknown as [number, number, number, number];
  const [height, width] = of('adjust.size').map((v) => 4 * v) as unknown as [number, number];
  const recorded = { width, height, recordedWidth: width, recordedHeight: height };
  const ops = makeOps({ ...recorded, patches, ringSlots: frames, maxPairs: frames ** 2, fx, fy, cx, cy });
  const { buffers } = ops;
  buffers.poses.set(of('adjust.poses'));
  buffers.poseVariable.set(Array.from({ length: frames }, (_, slot) => (slot < 2 ? -1 : slot - 2)));
  buffers.pairSource.set(Array.from({ length: frames ** 2 }, (_, n) => Math.floor(n / frames)));
  buffers.pairTarget.set(Array.from({ length: frames ** 2 }, (_, n) => n % frames));
  buffers.centre.fill(0);
  buffers.delta.set(of('adjust.target'));
  buffers.weight.set(of('adjust.weight'));
  for (let k = 0; k < frames * patches; k++) {
    const at = Math.floor(k / patches) * buffers.patchStride + (k % patches);
    buffers.patchX[at] = of('adjust.centres')[2 * k]!;
    buffers.patchY[at] = of('adjust.centres')[2 * k + 1]!;
    buffers.inverseDepth[at] = of('adjust.depths')[k]!;
  }
  return ops;
}

function closeTo(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  const worst = expected.reduce((most, value, n) => Math.max(most, Math.abs(value - actual[n]!)), 0);
  assert.ok(worst <= TOLERANCE, `${what} differs by ${worst}`);
}
