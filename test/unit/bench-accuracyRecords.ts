// SPDX-License-Identifier: MIT
// Runs of the accuracy bench that were never made.
import { type Case, factsOf } from '../../bench/accuracy/Case.ts';
import { type Runner, type RunRecord, runKey } from '../../bench/accuracy/RunRecord.ts';
import type { Sequence } from '../../bench/accuracy/Sequence.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';

export const STAMPS = Array.from({ length: 10 }, (_, index) => 1_000_000_000n + BigInt(index) * 50_000_000n);
/** Along x by 1 m an image, and 3 m up at the last. */
export const TRUTH: StampedPose[] = STAMPS.map((stampNs, index) => ({
  stampNs,
  t: [index, 0, index === 9 ? 3 : 0],
  q: [0, 0, 0, 1],
}));
export const SEQUENCE: Sequence = {
  kind: 'mh05',
  name: 'flight',
  path: 'recordings/flight',
  images: STAMPS.map((stampNs) => ({ stampNs, path: `${stampNs}.png` })),
  calibration: { width: 752, height: 480, fx: 1, fy: 1, cx: 0, cy: 0, model: 'none', coefficients: [], origin: 'test' },
  groundTruth: TRUTH,
  starts: [0, 3],
  strides: [1, 2],
};
export const RUNNER: Runner = { contender: 'qpvo', profile: 'half', settings: 's1', model: 'small', checksum: 'aaaa' };
export const FLOOR: Runner = { contender: 'floor', profile: 'klt', settings: '', model: 'OpenCV', checksum: 'ffff' };

export const caseAt = (startFrame: number, stride: number, limit?: number): Case => ({
  sequence: SEQUENCE,
  startFrame,
  stride,
  limit,
});

export function record(seed: number, ateM: number | undefined, other: Partial<RunRecord> = {}): RunRecord {
  const facts = { ...factsOf(caseAt(0, 1)), ...other };
  const runner = { ...RUNNER, ...other };
  return {
    ...runner,
    ...facts,
    key: runKey(runner, facts, seed),
    seed,
    commit: '0123456789012345678901234567890123456789',
    consumed: 10,
    withPose: 10,
    segments: 1,
    states: { TRACKING: 10 },
    lost: false,
    fps: 10,
    ...(ateM === undefined ? {} : { errors: { ateM, rpe: { translationM: ateM / 2, rotationDeg: 0.5 } } }),
    ...other,
  };
}
