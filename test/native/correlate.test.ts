// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CpuOps } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { roundHalfEven } from '../../src/network/quantization/quantizeWeights.ts';
import { compose, exp, inverse, type Tangent, transform } from '../../src/odometry/se3.ts';
import { makeOps, normal, random, WHOLE } from './makeOps.ts';

const H = 24;
const W = 32;
const M = 20;

/** Reads feature c of cell (x, y), 0 outside. */
type Map2 = (c: number, x: number, y: number) => number;

function fill(ops: CpuOps, C: number, next: () => number): Float32Array {
  const copy = new Float32Array(C * H * W);
  for (let i = 0; i < copy.length; i++) copy[i] = normal(next);
  ops.buffers.features.set(copy);
  return copy;
}

const f = Math.fround;

/** Reads a plane [C][h][w] of values that are rounded to its 255 steps of int8, in the order of operations of single precision. */
function inBytes(values: Float32Array, h: number, w: number): Map2 {
  const peak = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const scale = f(peak / 127);
  const inverse = f(1 / scale);
  const rounded = values.map((v) => scale * roundHalfEven(f(v * inverse)));
  return (c, x, y) => (x < 0 || y < 0 || x >= w || y >= h ? 0 : rounded[(c * h + y) * w + x]!);
}

/** Mean of 4 x 4 cells, [C][H / 4][W / 4], summed as the op does. */
function pooled(features: Float32Array, C: number): Float32Array {
  const out = new Float32Array((C * H * W) / 16);
  for (let i = 0; i < out.length; i++) {
    const [c, y, x] = [Math.floor((16 * i) / (H * W)), Math.floor(i / (W / 4)) % (H / 4), i % (W / 4)];
    let sum = 0;
    for (let v = 0; v < 4; v++) {
      const at = (c * H + 4 * y + v) * W + 4 * x;
      const pair = (k: number) => f(features[at + k]! + features[at + k + 1]!);
      sum = f(sum + f(pair(0) + pair(2)));
    }
    out[i] = sum / 16;
  }
  return out;
}

function fine(features: Float32Array): Map2 {
  return (c, x, y) => (x < 0 || y < 0 || x >= W || y >= H ? 0 : features[(c * H + y) * W + x]!);
}

function coarse(features: Float32Array): Map2 {
  return (c, x, y) => {
    if (x < 0 || y < 0 || x >= W / 4 || y >= H / 4) return 0;
    let sum = 0;
    for (let v = 0; v < 4; v++) for (let u = 0; u < 4; u++) sum += features[(c * H + 4 * y + v) * W + 4 * x + u]!;
    return sum / 16;
  };
}

/** Section 6 of the specification, one value: displacement (dx, dy) of patch pixel feature g at (ux, uy). */
function bruteForce(
  map: Map2,
  g: (c: number) => number,
  C: number,
  ux: number,
  uy: number,
  dx: number,
  dy: number,
): number {
  const bx = Math.floor(ux);
  const by = Math.floor(uy);
  const raw = (x: number, y: number) => {
    let dot = 0;
    for (let c = 0; c < C; c++) dot += g(c) * map(c, x, y);
    return dot;
  };
  const ax = ux - bx;
  const ay = uy - by;
  const [x, y] = [bx + dx - 3, by + dy - 3];
  return (
    (1 - ay) * ((1 - ax) * raw(x, y) + ax * raw(x + 1, y)) + ay * ((1 - ax) * raw(x, y + 1) + ax * raw(x + 1, y + 1))
  );
}

const WIDTHS = [16, 64, 128, 48];
const FORMS = [
  ...WIDTHS.map((C) => ({ C, correlation: 'fp32', instructionSet: '' }) as const),
  ...loadAddon().CpuOps.instructionSets.flatMap((instructionSet) =>
    WIDTHS.map((C) => ({ C, correlation: 'int8', instructionSet }) as const),
  ),
];

for (const { C, correlation, instructionSet } of FORMS) {
  describe(`correlation in ${correlation} ${instructionSet}, ${C} channels`, () => {
    it('equals brute force at every displacement, also out of the image', async () => {
      const next = random(C);
      const ops = makeOps({ featureDim: C, correlation, instructionSet });
      const levelsOf = (features: Float32Array): Map2[] =>
        correlation === 'fp32'
          ? [fine(features), coarse(features)]
          : [inBytes(features, H, W), inBytes(pooled(features, C), H / 4, W / 4)];
      const { buffers } = ops;
      const maps: Float32Array[] = [];
      const centres: number[][] = [];
      for (const slot of [0, 1, 2]) {
        await ops.samplePatches(slot, 7, slot, 'random', -1, WHOLE);
        centres.push([...buffers.cells]);
        maps.push(fill(ops, C, next));
        await ops.insertFrame(slot);
      }
      // Slot 1 moves a little; slot 2 so far that many windows leave the image.
      const poses = [
        [0, 0, 0, 0, 0, 0],
        [0.05, -0.03, 0.02, 0.01, 0.02, -0.05],
        [0.6, 0.3, -0.5, 0.1, -0.35, 0.2],
      ].map((xi) => exp(xi as Tangent));
      for (const [slot, pose] of poses.entries()) buffers.poses.set([...pose.t, ...pose.q], 7 * slot);
      const pairs = [
        [0, 1],
        [1, 0],
        [0, 2],
        [2, 2],
        [2, 1],
      ] as const;
      pairs.forEach(([s, t], p) => {
        buffers.pairSource[p] = s;
        buffers.pairTarget[p] = t;
      });
      await ops.correlate(pairs.length);

      let worst = 0;
      let outside = 0;
      for (const [p, [s, t]] of pairs.entries()) {
        const G = compose(poses[t]!, inverse(poses[s]!));
        const source = levelsOf(maps[s]!)[0]!;
        const levels = levelsOf(maps[t]!);
        for (let k = 0; k < M; k++) {
          const cell = centres[s]![k]!;
          const [cx, cy] = [cell % W, Math.floor(cell / W)];
          const d = buffers.inverseDepth[s * buffers.patchStride + k]!;
          const corr = buffers.correlation.subarray((p * M + k) * 882, (p * M + k + 1) * 882);
          for (let i = 0; i < 9; i++) {
            const [px, py] = [cx + (i % 3) - 1, cy + Math.floor(i / 3) - 1];
            const X = transform({ t: [0, 0, 0], q: G.q }, [(px - 15.5) / 25, (py - 11.5) / 26, 1]).map(
              (v, a) => v + G.t[a]! * d,
            );
            const z = Math.max(X[2]!, 0.1);
            const [u, v] = [(25 * X[0]!) / z + 15.5, (26 * X[1]!) / z + 11.5];
            if (i === 4) {
              assert.ok(Math.abs(buffers.centre[(p * M + k) * 2]! - u) < 1e-3 * Math.max(1, Math.abs(u)));
              assert.ok(Math.abs(buffers.centre[(p * M + k) * 2 + 1]! - v) < 1e-3 * Math.max(1, Math.abs(v)));
            }
            if (u < 3 || v < 3 || u > W - 5 || v > H - 5) outside++;
            for (const level of [0, 1]) {
              const s4 = level === 0 ? 1 : 0.25;
              // At a whole coordinate the single precision of the op may fall on the other side: the blend is continuous, so the value is the same.
              for (let j = 0; j < 49; j += 1) {
                const expected = bruteForce(
                  levels[level]!,
                  (c) => source(c, px, py),
                  C,
                  u * s4,
                  v * s4,
                  j % 7,
                  Math.floor(j / 7),
                );
                const got = corr[(level * 9 + i) * 49 + j]!;
                worst = Math.max(worst, Math.abs(got - expected) / Math.sqrt(C));
              }
            }
          }
        }
      }
      assert.ok(outside > 200, `only ${outside} windows leave the image: the test would not see clipping`);
      // float32 coordinates up to 1e2 px times gradients of order sqrt(C) per px: 1e-5 relative; measured 1e-4 at the far pose.
      assert.ok(worst < 1e-3, `worst relative error ${worst}`);
    });
  });
}

describe('correlation in int8', () => {
  const int8 = { correlation: 'int8' } as const;
  const correlated = async (ops: CpuOps, features: number[]): Promise<Float32Array> => {
    await ops.samplePatches(0, 1, 0, 'random', 0.5, WHOLE);
    ops.buffers.features.set(features);
    await ops.insertFrame(0);
    await ops.correlate(1);
    return ops.buffers.correlation.slice(0, M * 882);
  };

  it('is the same in all instruction sets, to the rounding of the blend', async () => {
    const next = random(3);
    const features = Array.from({ length: 16 * H * W }, () => normal(next));
    const results = await Promise.all(
      loadAddon().CpuOps.instructionSets.map((instructionSet) =>
        correlated(makeOps({ ...int8, instructionSet }), features),
      ),
    );
    // Sums of 16 products of size 1; the integers are the same, only the blend is rounded once less where multiplications and additions are one instruction.
    for (const result of results) assert.ok(result.every((v, i) => Math.abs(v - results[0]![i]!) < 1e-5));
  });

  it('is zero, and a number, for features that are zero or no numbers', async () => {
    for (const value of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      const result = await correlated(makeOps(int8), new Array(16 * H * W).fill(value));
      assert.ok(result.every(Number.isFinite), `${value}`);
      if (value === 0) assert.ok(result.every((v) => v === 0));
    }
  });

  it('is left as bytes on demand, rounded half to even and limited', async () => {
    const next = random(4);
    const features = Array.from({ length: 16 * H * W }, () => normal(next));
    // Most values are within 127 steps, some beyond: the greatest products of 16 channels are about 25.
    const correlationScale = f(0.13);
    for (const instructionSet of loadAddon().CpuOps.instructionSets) {
      const floats = await correlated(makeOps({ ...int8, instructionSet }), features);
      const ops = makeOps({ ...int8, instructionSet, correlationScale });
      assert.equal((await correlated(ops, features)).length, 0);
      const { correlationBytes, correlationZero } = ops.buffers;
      const limited = (v: number) => Math.min(127, Math.max(-128, roundHalfEven(f(v * f(1 / correlationScale)))));
      floats.forEach((v, i) => {
        const stored = correlationBytes[Math.floor(i / 882) * 896 + (i % 882)]!;
        assert.equal(stored, (limited(v) + correlationZero) & 255);
      });
      assert.ok(floats.some((v) => limited(v) === 127 && v > 127.5 * correlationScale));
    }
  });

  it('a slot that is used again holds the new frame', async () => {
    const [used, fresh] = [makeOps(int8), makeOps(int8)];
    const frames = [1, 2].map((seed) => {
      const next = random(seed);
      return Array.from({ length: 16 * H * W }, () => normal(next));
    });
    await correlated(used, frames[0]!);
    assert.deepEqual(await correlated(used, frames[1]!), await correlated(fresh, frames[1]!));
  });

  it('is refused for an unknown instruction set or precision', () => {
    assert.throws(
      () => makeOps({ ...int8, instructionSet: 'mmx' }),
      /expected one that this processor can run \(.*baseline\), but received mmx/,
    );
    assert.throws(
      () => makeOps({ correlation: 'int4' as 'int8' }),
      /correlation: expected fp32 or int8, but received int4/,
    );
  });
});

describe('correlation of what cannot be projected', () => {
  it('gives zeros for poses that are not numbers', async () => {
    const ops = makeOps();
    const { buffers } = ops;
    for (const slot of [0, 1]) {
      await ops.samplePatches(slot, 1, slot, 'random', 0.5, WHOLE);
      fill(ops, 16, random(slot));
      await ops.insertFrame(slot);
    }
    buffers.poses[7] = Number.NaN;
    buffers.pairTarget[0] = 1;
    buffers.correlation.fill(5);
    await ops.correlate(1);
    assert.ok(buffers.correlation.subarray(0, M * 882).every((v) => v === 0));
  });

  it('refuses pairs that name slots outside the ring', () => {
    const ops = makeOps();
    ops.buffers.pairTarget[0] = 8;
    assert.throws(() => ops.correlate(1), /expected ring slots, but received 0 -> 8/);
  });
});
