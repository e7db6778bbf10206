// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { profilesFor } from '../../bench/accuracy/AccuracyOptions.ts';
import { caseName, factsOf, imagesOf, listCases, runArguments } from '../../bench/accuracy/Case.ts';
import { summarizeRuns } from '../../bench/accuracy/CaseSummary.ts';
import { judgeRendered } from '../../bench/accuracy/caseTargets.ts';
import { modelChecksum, settingsChecksum } from '../../bench/accuracy/productRun.ts';
import { caseKey, keptRuns, type RunRecord, runKey } from '../../bench/accuracy/RunRecord.ts';
import { planRuns } from '../../bench/accuracy/runCases.ts';
import { standstill, trajectoryErrors } from '../../bench/accuracy/trajectoryErrors.ts';
import { settleParameters } from '../../src/cli/settleRun.ts';
import { runPool } from '../../src/compare/runPool.ts';
import { readProfile } from '../../src/config/readProfile.ts';
import { spreadOf } from '../../src/evaluation/spread.ts';
import { type Part, readManifest } from '../../src/network/manifest.ts';
import { findModelFolder } from '../../src/network/modelFolder.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import { caseAt, FLOOR, RUNNER, record, SEQUENCE, STAMPS, TRUTH } from './bench-accuracyRecords.ts';

describe('cases of the accuracy bench', () => {
  it('are every start at every stride, chosen by a part of the name', () => {
    const names = (only?: string): string[] => listCases([SEQUENCE], { only }).map(caseName);
    assert.deepEqual(names(), [
      'flight/start0/stride1',
      'flight/start0/stride2',
      'flight/start3/stride1',
      'flight/start3/stride2',
    ]);
    assert.deepEqual(names('start3/stride2'), ['flight/start3/stride2']);
    assert.deepEqual(names('other'), []);
  });

  it('take every n-th image from their start, and give qpvo run a range that begins and ends between images', () => {
    assert.deepEqual(
      imagesOf(caseAt(3, 2)).map(({ stampNs }) => stampNs),
      [STAMPS[3], STAMPS[5], STAMPS[7], STAMPS[9]],
    );
    assert.deepEqual(runArguments(caseAt(0, 1)), [SEQUENCE.path, '--stride', '1']);
    assert.deepEqual(runArguments(caseAt(3, 2, 4)).slice(3), ['--start', '0.125000', '--end', '0.325000']);
    assert.deepEqual(runArguments(caseAt(3, 1, 7)).slice(3), ['--start', '0.125000']);
    assert.equal(imagesOf(caseAt(3, 2, 4)).length, 2);
  });

  it('know the way and the extent of the camera at their images', () => {
    const whole = factsOf(caseAt(0, 1));
    assert.equal(whole.images, 10);
    assert.ok(Math.abs(whole.pathM - (8 + Math.hypot(1, 3))) < 1e-12);
    assert.ok(Math.abs(whole.extentM - Math.hypot(9, 3)) < 1e-12);
    assert.equal('limitedTo' in whole, false);
    const part = factsOf(caseAt(3, 1, 4));
    assert.deepEqual([part.limitedTo, part.images, part.pathM, part.extentM], [4, 4, 3, 3]);
    assert.equal('limitedTo' in factsOf(caseAt(0, 1, 10)), false);
  });

  it('run at half resolution only where the images are wide', () => {
    assert.deepEqual(profilesFor(752, ['cpu_fp32_half', 'cpu_fp32']), ['cpu_fp32_half', 'cpu_fp32']);
    assert.deepEqual(profilesFor(384, ['cpu_fp32_half', 'cpu_fp32']), ['cpu_fp32']);
    assert.deepEqual(profilesFor(384, ['mine.yaml']), ['mine.yaml']);
  });
});

describe('runs of the accuracy bench', () => {
  it('have a key of everything that decides them; seeds share the rest of it', () => {
    const facts = factsOf(caseAt(3, 2));
    const key = runKey(RUNNER, facts, 4);
    assert.equal(key, 'qpvo/flight/start3/stride2/half@s1/small@aaaa/seed4');
    assert.equal(caseKey({ key, seed: 4 }), caseKey({ key: runKey(RUNNER, facts, 1), seed: 1 }));
    const others = [
      runKey({ ...RUNNER, checksum: 'bbbb' }, facts, 4),
      runKey({ ...RUNNER, settings: 's2' }, facts, 4),
      runKey(FLOOR, facts, 4),
      runKey(RUNNER, factsOf(caseAt(3, 1)), 4),
      runKey(RUNNER, factsOf(caseAt(3, 2, 4)), 4),
      runKey(RUNNER, facts, 3),
    ];
    assert.equal(new Set([key, ...others]).size, 7);
  });

  it('are planned seed by seed over all cases', () => {
    const runner = { ...RUNNER, contender: 'qpvo' as const, modelFolder: 'm' };
    const planned = planRuns([caseAt(0, 1), caseAt(3, 1)], () => [runner], 2);
    assert.deepEqual(
      planned.map(({ seed, entry }) => [seed, entry.startFrame]),
      [
        [0, 0],
        [0, 3],
        [1, 0],
        [1, 3],
      ],
    );
  });

  it('of an earlier bench are kept unless weights, parameters or a failure speak against it', () => {
    const good = record(0, 0.1);
    const oldWeights = record(0, 0.1, { checksum: 'old' });
    const oldParameters = record(1, 0.1, { settings: 'old' });
    const otherProfile = record(1, 0.1, { profile: 'full', settings: 'any' });
    const otherModel = record(0, 0.1, { model: 'base', checksum: 'cccc' });
    const failed = record(2, undefined, { failure: 'it broke' });
    const kept = keptRuns([good, oldWeights, oldParameters, otherProfile, otherModel, failed], [RUNNER]);
    assert.deepEqual(kept, [good, otherProfile, otherModel]);
  });

  it('know their model by its networks and their settings by all parameters but seed and threads', async () => {
    const manifest = readManifest(findModelFolder('small'));
    const profile = readProfile('cpu_fp32');
    const checksum = modelChecksum(manifest, profile);
    assert.match(checksum, /^[0-9a-f]{16}$/);
    const other = { ...manifest.files.weights!, sha256: '0'.repeat(64) };
    const changed = (part: Part) => ({ ...manifest, files: { ...manifest.files, [part]: other } });
    assert.notEqual(modelChecksum(changed('weights'), profile), checksum);
    for (const part of ['weightsInt8', 'update', 'golden'] as const) {
      assert.equal(modelChecksum(changed(part), profile), checksum, part);
    }
    const portable = readProfile('cpu_int8_onnxruntime');
    assert.notEqual(modelChecksum(changed('updateInt8'), portable), modelChecksum(manifest, portable));
    const settings = (assignments: string[], seed?: string): string =>
      settingsChecksum(settleParameters(profile, manifest, assignments, seed));
    assert.equal(settings([], '3'), settings(['threads=1']));
    assert.notEqual(settings(['patchesPerFrame=64']), settings([]));
    assert.equal(settings(['maskTopPx=0']), settings([]));
    assert.notEqual(settings(['maskTopPx=8']), settings([]));
  });

  it('go so many at a time, and no further after a failure', async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    await runPool([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now--;
      done.push(item);
    });
    assert.deepEqual([most, done.sort()], [2, [1, 2, 3, 4, 5]]);
    const begun: number[] = [];
    const failing = runPool([1, 2, 3, 4], 1, async (item) => {
      begun.push(item);
      if (item === 2) throw new Error('broken');
    });
    await assert.rejects(failing, /broken/);
    assert.deepEqual(begun, [1, 2]);
  });
});

describe('errors of a trajectory', () => {
  /** Half as large as the truth, 1 cm off at one place. */
  const estimate = TRUTH.map(({ stampNs, t, q }, index) => ({
    stampNs,
    q,
    t: [t[0] / 2, index === 4 ? 0.005 : 0, t[2] / 2] as [number, number, number],
  }));

  it('come after alignment; too short or too few is no error at all', () => {
    const errors = trajectoryErrors(estimate, TRUTH)!;
    assert.ok(errors.ateM > 0.001 && errors.ateM < 0.01, `${errors.ateM} m`);
    assert.equal(errors.rpe, undefined);
    assert.ok(Math.abs(trajectoryErrors(TRUTH.slice(0, 6), TRUTH)!.coveredPathM! - 5) < 1e-9);
    assert.equal(trajectoryErrors(estimate.slice(0, 2), TRUTH), undefined);
    assert.equal(trajectoryErrors([], TRUTH), undefined);
  });

  it('over one second and in standstill, in metres of the truth', () => {
    const stamps = Array.from({ length: 400 }, (_, index) => BigInt(index) * 50_000_000n);
    const moving = (index: number): number => Math.min(index, 60) * 0.05 + Math.max(0, index - 320) * 0.05;
    const truth: StampedPose[] = stamps.map((stampNs, index) => ({
      stampNs,
      t: [moving(index), 0, 0],
      q: [0, 0, 0, 1],
    }));
    const drifting = truth.map(({ stampNs, t, q }, index) => {
      const y = index < 60 ? 0 : Math.min(index - 60, 100) * 1e-4;
      return { stampNs, q, t: [t[0] / 2, y, 0] as [number, number, number] };
    });
    const { rpe, standstill: still } = trajectoryErrors(drifting, truth, 4)!;
    assert.ok(rpe!.translationM > 0.001 && rpe!.translationM < 0.05);
    assert.ok(Math.abs(still!.seconds - 10) < 1e-9, `${still!.seconds} s`);
    assert.ok(Math.abs(still!.driftM - 0.02) < 0.002, `${still!.driftM} m`);
    assert.equal(trajectoryErrors(drifting, truth)!.standstill, undefined);
    assert.equal(standstill(drifting.slice(0, 200), truth, 2, 4), undefined);
    const broken = drifting.map((pose, index) => ({ ...pose, segment: index < 150 ? 0 : 1 }));
    assert.equal(standstill(broken, truth, 2, 4), undefined);
    assert.equal(standstill([], truth, 2, 4), undefined);
    const turning = stamps.map(
      (stampNs, index): StampedPose => ({ stampNs, t: [Math.abs(index - 200) * 0.01, 0, 0], q: [0, 0, 0, 1] }),
    );
    assert.equal(standstill(turning, turning, 1, 20), undefined);
    assert.equal(standstill(drifting, truth.slice(0, 1), 2, 4), undefined);
  });
});

describe('numbers of a case', () => {
  it('a run without an error is worse than any', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
    assert.deepEqual(spreadOf([1, 2]), { median: 1.5, min: 1, max: 2 });
    const missing = spreadOf([1, undefined, undefined]);
    assert.deepEqual(missing, { median: Number.POSITIVE_INFINITY, min: 1, max: Number.POSITIVE_INFINITY });
  });

  const verdicts = (runs: RunRecord[]): Record<string, string | undefined> =>
    Object.fromEntries(summarizeRuns(runs)[0]!.numbers.map(({ what, verdict }) => [what, verdict]));

  it('MH_05: median, worst and lost runs are judged', () => {
    const good = verdicts([record(0, 0.05), record(1, 0.1), record(2, 0.3)]);
    assert.deepEqual([good['ATE, median'], good['ATE, worst'], good['runs lost']], ['met', 'met', 'met']);
    const bad = verdicts([record(0, 0.11), record(1, 0.12, { lost: true }), record(2, 0.31)]);
    assert.deepEqual([bad['ATE, median'], bad['ATE, worst'], bad['runs lost']], ['MISSED', 'MISSED', 'MISSED']);
    const none = verdicts([record(0, undefined, { failure: 'broken', lost: true, withPose: 0, consumed: 0 })]);
    assert.deepEqual([none['ATE, median'], none['runs failed']], ['MISSED', 'MISSED']);
  });

  it('an excerpt is not judged', () => {
    const excerpt = verdicts([record(0, 9, { limitedTo: 5 })]);
    assert.equal(excerpt['ATE, median'], 'not judged');
  });

  it('TartanAir by the path, rendered ones by the extent, standstill by the depth', () => {
    const path = verdicts([record(0, 0.1, { kind: 'tartanair' })]);
    assert.equal(path['ATE of the path, median'], 'met');
    const half = record(0, 0.1, { kind: 'tartanair', errors: { ateM: 0.1, coveredPathM: 9 } });
    assert.equal(verdicts([half])['ATE of the path, median'], 'MISSED');
    const far = { kind: 'rendered', sequence: 'rendered/mav_hall', extentM: 10, medianDepthM: 5 } as const;
    assert.equal(verdicts([record(0, 0.2, far)])['ATE of the extent, median'], 'met');
    assert.equal(verdicts([record(0, 0.21, far)])['ATE of the extent, median'], 'MISSED');
    const place = { ...far, sequence: 'rendered/pure_rotation', extentM: 0.01 };
    assert.equal(verdicts([record(0, 0.2, place)])['ATE of the extent, median'], 'not judged');
    const drift = 'drift in standstill of the depth, median';
    const still = { ...far, sequence: 'rendered/standstill' };
    const errors = { ateM: 0.1, standstill: { seconds: 10, driftM: 0.04 } };
    assert.equal(verdicts([record(0, 0.1, { ...still, errors })])[drift], 'met');
    errors.standstill.driftM = 0.06;
    assert.equal(verdicts([record(0, 0.1, { ...still, errors })])[drift], 'MISSED');
    assert.equal(verdicts([record(0, 0.1, still)])[drift], 'MISSED');
    const together = judgeRendered(summarizeRuns([record(0, 0.2, far), record(0, 0.1, still), record(0, 9, place)]));
    assert.ok(Math.abs(together!.measured - 1.5) < 1e-9 && together!.verdict === 'met');
    assert.equal(judgeRendered(summarizeRuns([record(0, 0.1)])), undefined);
  });

  it('keep runners apart, and take the speed from the runs that did not share the machine', () => {
    const sharing = (run: RunRecord): RunRecord => {
      const { fps: _, ...shared } = run;
      return shared;
    };
    const shared = sharing(record(1, 0.2));
    assert.equal(summarizeRuns([shared])[0]!.fps, undefined);
    const cases = summarizeRuns([record(0, 0.1), shared, record(0, 1.5, FLOOR)]);
    assert.deepEqual(
      cases.map(({ contender, seeds, fps }) => [contender, seeds, fps]),
      [
        ['floor', [0], { median: 10, min: 10, max: 10 }],
        ['qpvo', [0, 1], { median: 10, min: 10, max: 10 }],
      ],
    );
    assert.deepEqual(cases[0]!.numbers, []);
  });
});
