// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../src/error.ts';
import { AteAccumulator, summarizeAte } from '../../src/evaluation/AteAccumulator.ts';
import type { EstimatedPose, PosePair } from '../../src/evaluation/associate.ts';
import { evaluateTrajectory } from '../../src/evaluation/evaluateTrajectory.ts';
import { evaluationJson } from '../../src/evaluation/evaluationJson.ts';
import { formatEvaluation } from '../../src/evaluation/formatEvaluation.ts';
import { relativeError, usualSteps } from '../../src/evaluation/rpe.ts';
import { scaleDrift } from '../../src/evaluation/scaleDrift.ts';
import { statisticsOf } from '../../src/evaluation/statistics.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import { compose, exp, type Vec3 } from '../../src/odometry/se3.ts';

const STRAIGHT: [number, number, number, number] = [0, 0, 0, 1];

function near(actual: number | undefined, expected: number, tolerance = 1e-9): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

function pose(seconds: number, t: Vec3, q = STRAIGHT): StampedPose {
  return { stampNs: BigInt(Math.round(seconds * 1e9)), t, q };
}

/** A helix: turning, climbing, never on one line. */
function helix(count: number): StampedPose[] {
  return Array.from({ length: count }, (_, i) => {
    const a = i * 0.05;
    return pose(i * 0.05, [4 * Math.cos(a), 4 * Math.sin(a), 0.2 * a], exp([0, 0, 0, 0.1 * Math.sin(a), 0, a]).q);
  });
}

function similar(poses: StampedPose[], scale: number): EstimatedPose[] {
  const T = exp([3, -2, 1, 0.3, 0.7, -1.2]);
  return poses.map((p) => {
    const moved = compose(T, p);
    return { stampNs: p.stampNs, t: moved.t.map((v) => v * scale) as Vec3, q: moved.q };
  });
}

describe('statisticsOf', () => {
  it('matches values worked out by hand', () => {
    const s = statisticsOf([3, 1, 2, 6]);
    assert.deepEqual([s.count, s.mean, s.median, s.min, s.max], [4, 3, 2.5, 1, 6]);
    near(s.rmse, Math.sqrt(50 / 4));
    near(s.std, Math.sqrt(14 / 4));
  });
});

describe('absolute trajectory error', () => {
  // A square of 2 m with corners at +-1; the estimate lifts and lowers alternate corners by h. By symmetry the best alignment is the identity with scale
  // cov / var = 2 / (2 + h^2), where 2 is the mean squared distance of the corners from the centre.
  const h = 0.5;
  const corners: Vec3[] = [
    [1, 1, 0],
    [-1, 1, 0],
    [-1, -1, 0],
    [1, -1, 0],
  ];
  const reference = corners.map((t, i) => pose(i * 0.1, t));
  const estimate = corners.map(([x, y], i) => pose(i * 0.1, [x, y, i % 2 === 0 ? h : -h]));

  it('se3: every pose is off by h', () => {
    const { ate } = evaluateTrajectory(estimate, reference, { alignment: 'se3' }).overall;
    for (const key of ['rmse', 'mean', 'median', 'min', 'max'] as const) near(ate.translationM[key], h);
    near(ate.translationM.std, 0);
    near(ate.rotationDeg?.max, 0, 1e-6);
  });

  it('sim3: the scale shrinks as worked out by hand', () => {
    const { alignment, ate } = evaluateTrajectory(estimate, reference).overall;
    const scale = 2 / (2 + h * h);
    near(alignment.scale, scale);
    near(ate.translationM.rmse, Math.sqrt(2 * (1 - scale) ** 2 + (scale * h) ** 2));
    assert.deepEqual(
      ate.perPose.map((p) => p.stampNs),
      reference.map((p) => p.stampNs),
    );
  });

  it('is zero for a similar trajectory, also in attitude', () => {
    const { overall } = evaluateTrajectory(similar(helix(200), 0.37), helix(200));
    near(overall.alignment.scale, 1 / 0.37);
    assert.ok(overall.ate.translationM.max < 1e-9 && overall.ate.rotationDeg!.max < 1e-5);
  });

  it('leaves the attitude error out when all positions lie on one line', () => {
    const line = [0, 1, 2, 3].map((x) => pose(x * 0.1, [x, 0, 0]));
    const { overall } = evaluateTrajectory(line, line);
    assert.equal(overall.ate.rotationDeg, undefined);
    near(overall.ate.translationM.rmse, 0, 1e-7);
  });

  it('is the same pose by pose (accumulator) and all at once', () => {
    const noisy = similar(helix(300), 2).map((p, i) => ({
      ...p,
      t: [p.t[0] + 0.2 * Math.sin(i), p.t[1], p.t[2]] as Vec3,
    }));
    for (const alignment of ['sim3', 'se3'] as const) {
      const whole = evaluateTrajectory(noisy, helix(300), { alignment });
      const summary = summarizeAte(noisy, helix(300), alignment);
      assert.deepEqual([summary?.poses, summary?.alignment], [300, alignment]);
      near(summary?.rmseM, whole.overall.ate.translationM.rmse);
    }
  });

  it('has no summary without enough ground truth', () => {
    const accumulator = new AteAccumulator(helix(20));
    assert.equal(accumulator.summary(), undefined);
    for (const p of helix(2)) accumulator.add(p.stampNs, p);
    accumulator.add(10n ** 18n, helix(1)[0]!);
    assert.equal(accumulator.summary(), undefined);
  });
});

describe('relative pose error', () => {
  /** Reference at 1 m/s along x, a pose every 0.5 s; the estimate goes at 1.1 m/s and turns by 2 degrees a second about its own x axis. */
  const pairs: PosePair[] = Array.from({ length: 21 }, (_, i) => ({
    stampNs: BigInt(i) * 500_000_000n,
    segment: 0,
    reference: { t: [0.5 * i, 0, 0], q: STRAIGHT },
    estimate: { t: [0.55 * i, 0, 0], q: exp([0, 0, 0, (i * Math.PI) / 180, 0, 0]).q },
  }));

  it('over one second: 0.1 m, 10 %, 2 degrees, 2 degrees per metre', () => {
    const rpe = relativeError(pairs, 1, { over: 'time', value: 1 })!;
    assert.equal(rpe.translationM.count, 19);
    near(rpe.translationM.rmse, 0.1);
    near(rpe.translationPercent, 10);
    near(rpe.rotationDeg.mean, 2, 1e-9);
    near(rpe.rotationDegPerM, 2, 1e-9);
  });

  it('over five metres: half a metre, and nothing when the scale is right', () => {
    const rpe = relativeError(pairs, 1, { over: 'distance', value: 5 })!;
    assert.equal(rpe.translationM.count, 11);
    near(rpe.translationM.max, 0.5);
    near(rpe.rotationDeg.max, 10, 1e-9);
    near(relativeError(pairs, 1 / 1.1, { over: 'distance', value: 5 })!.translationM.max, 0);
  });

  it('never spans two segments', () => {
    const torn = pairs.map((pair, i) => ({ ...pair, segment: i < 10 ? 0 : 1 }));
    assert.equal(relativeError(torn, 1, { over: 'time', value: 1 })!.translationM.count, 8 + 9);
    assert.equal(relativeError(torn, 1, { over: 'distance', value: 6 }), undefined);
  });

  it('skips intervals that are far from the step, and has no rate when the reference stands still', () => {
    assert.equal(relativeError(pairs, 1, { over: 'time', value: 0.7 }), undefined);
    const still = pairs.map((pair) => ({ ...pair, reference: { t: [0, 0, 0] as Vec3, q: STRAIGHT } }));
    const rpe = relativeError(still, 1, { over: 'time', value: 1 })!;
    assert.equal(rpe.translationPercent, undefined);
    near(rpe.translationM.mean, 1.1);
  });

  it('usual steps go up to half of the path', () => {
    assert.deepEqual(
      usualSteps(31).map((step) => `${step.value}${step.over[0]}`),
      ['1t', '1d', '2d', '5d', '10d'],
    );
  });
});

describe('scale drift', () => {
  it('finds the scale of each half', () => {
    const reference = helix(401);
    const pairs: PosePair[] = reference.map((p, i) => {
      // The second half of the estimate is half as large, about the pose in the middle.
      const middle = reference[200]!.t;
      const s = i <= 200 ? 1 : 0.5;
      return {
        stampNs: p.stampNs,
        segment: 0,
        reference: p,
        estimate: { t: p.t.map((v, k) => middle[k]! + s * (v - middle[k]!)) as Vec3, q: p.q },
      };
    });
    const drift = scaleDrift(pairs)!;
    near(drift.halvesPercent, 100, 0.5);
    assert.equal(drift.windows.length, 8);
    near(drift.windows[7]!.ratio / drift.windows[0]!.ratio, 2, 1e-9);
  });

  it('is nothing for a similar trajectory and undefined where nothing moves', () => {
    const reference = helix(100);
    const pairs: PosePair[] = similar(reference, 3).map((p, i) => ({
      stampNs: p.stampNs,
      segment: 0,
      estimate: p,
      reference: reference[i]!,
    }));
    near(scaleDrift(pairs)!.worstPercent, 0, 1e-6);
    assert.equal(scaleDrift(pairs.map((pair) => ({ ...pair, estimate: { t: [0, 0, 0], q: STRAIGHT } }))), undefined);
  });
});

describe('evaluateTrajectory', () => {
  it('aligns everything at once and each segment by itself', () => {
    const reference = helix(400);
    const estimate: EstimatedPose[] = [
      ...similar(reference.slice(0, 200), 1).map((p) => ({ ...p, segment: 0 })),
      ...similar(reference.slice(220), 0.5).map((p) => ({ ...p, segment: 1 })),
    ];
    const { overall, segments } = evaluateTrajectory(estimate, reference);
    assert.ok(overall.ate.translationM.rmse > 0.1);
    assert.deepEqual(
      segments.map((entry) => [entry.segment, entry.pairs]),
      [
        [0, 200],
        [1, 180],
      ],
    );
    for (const entry of segments) assert.ok('part' in entry && entry.part.ate.translationM.rmse < 1e-6);
  });

  it('says why a segment cannot be aligned', () => {
    const estimate: EstimatedPose[] = helix(50).map((p, i) => ({ ...p, segment: i < 48 ? 0 : 1 }));
    const evaluation = evaluateTrajectory(estimate, helix(50));
    const last = evaluation.segments[1]!;
    assert.ok('failure' in last && last.failure === '2 matched poses, at least 3 are needed');
    assert.match(formatEvaluation(evaluation), /1\s+2 poses\s+not aligned: 2 matched poses/);
  });

  it('prints both ranges when there is no overlap', () => {
    const late = helix(10).map((p) => ({ ...p, stampNs: p.stampNs + 1_000_000_000_000n }));
    assert.throws(
      () => evaluateTrajectory(helix(10), late),
      (error: unknown) =>
        error instanceof QpvoError &&
        error.code === 'QPVO_EVALUATION' &&
        /do not overlap/.test(error.message) &&
        /10 poses from 0\.000000000 to 0\.450000000 s/.test(error.message) &&
        /10 poses from 1000\.000000000 to 1000\.450000000 s/.test(error.message),
    );
  });

  it('refuses too few poses, none at all, a standing camera and NaN', () => {
    const cases: [EstimatedPose[], StampedPose[], RegExp][] = [
      [helix(2), helix(10), /Too few poses match.*received 2/],
      [[], helix(10), /estimate has no poses/],
      [helix(10), [], /reference has no poses/],
      [
        helix(10).map((p) => ({ ...p, t: [1, 2, 3] })),
        helix(10),
        /cannot be aligned: all estimated positions are equal/,
      ],
      [[{ ...helix(1)[0]!, t: [Number.NaN, 0, 0] }], helix(10), /is not a number/],
    ];
    for (const [estimate, reference, message] of cases) {
      assert.throws(() => evaluateTrajectory(estimate, reference), { code: 'QPVO_EVALUATION', message });
    }
  });

  it('comes as text and as JSON that holds the same numbers', () => {
    const evaluation = evaluateTrajectory(similar(helix(400), 0.5), helix(400));
    const text = formatEvaluation(evaluation);
    for (const part of [
      '400 of 400 poses',
      'Sim(3), 2.0000 m per unit',
      'ATE [m]',
      'RPE 1 s',
      'RPE 5 m',
      'scale drift',
    ]) {
      assert.ok(text.includes(part), `"${part}" is not in\n${text}`);
    }
    const json = JSON.parse(JSON.stringify(evaluationJson(evaluation, { perPose: true })));
    assert.equal(json.association.pairs, 400);
    assert.equal(json.overall.ate.perPose[1].stampNs, '50000000');
    near(json.overall.alignment.scale, 2);
    assert.equal(json.segments.length, 1);
  });
});
