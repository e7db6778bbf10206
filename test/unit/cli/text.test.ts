// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { profileText } from '../../../src/cli/doctor/modelChecks.ts';
import { compareVersions } from '../../../src/cli/doctor/packageChecks.ts';
import { toolCheck } from '../../../src/cli/doctor/toolChecks.ts';
import { expectedFrames, ProgressLine, progressText } from '../../../src/cli/ProgressLine.ts';
import { numberOption, parseOptions } from '../../../src/cli/parseOptions.ts';
import { Samples } from '../../../src/cli/Samples.ts';
import { SkipReasons } from '../../../src/cli/SkipReasons.ts';
import { settleCalibration, settleParameters, settleProfile } from '../../../src/cli/settleRun.ts';
import { summaryText } from '../../../src/cli/summaryText.ts';
import { readProfile } from '../../../src/config/readProfile.ts';
import type { RunSummary } from '../../../src/outputs/RunSummary.ts';
import { CAMERAS } from '../camera/cameras.ts';
import { INFO, ListSource } from './fakes.ts';

describe('samples', () => {
  it('give quantiles by nearest rank, beyond their first capacity', () => {
    const samples = new Samples();
    for (let i = 1000; i >= 1; i--) samples.add(i);
    assert.equal(samples.count, 1000);
    assert.deepEqual(samples.percentiles(), { p50: 500, p95: 950, p99: 990 });
    assert.equal(samples.quantile(1), 1000);
  });

  it('without values give 0', () => {
    assert.deepEqual(new Samples().percentiles(), { p50: 0, p95: 0, p99: 0 });
  });
});

describe('progress', () => {
  const info = { ...INFO, imageCount: 585, firstStampNs: 0n, lastStampNs: 29_200_000_000n };

  for (const [range, expected] of [
    [{}, 585],
    [{ stride: 2 }, 293],
    [{ startS: 14.6 }, 293],
    [{ startS: 10, endS: 10 + 2.92 }, 59],
    [{ endS: 1000 }, 585],
    [{ startS: 100 }, 1],
  ] as const) {
    it(`expects ${expected} frames for ${JSON.stringify(range)}`, () => {
      assert.equal(expectedFrames(info, range), expected);
    });
  }

  it('expects nothing of a source that does not know its length', () => {
    assert.equal(expectedFrames(INFO, {}), undefined);
  });

  it('is a line with the remaining time', () => {
    const progress = { processed: 120, fps: 6, state: 'TRACKING' as const, segment: 0 };
    assert.equal(progressText(progress, 600), '120/600 frames, 6.0 frames/s, 80 s left, TRACKING');
    assert.equal(
      progressText({ ...progress, segment: 1 }, undefined),
      '120 frames, 6.0 frames/s, TRACKING (segment 1)',
    );
  });
});

describe('progress without a terminal', () => {
  it('tells the first skipped images one by one, the others by their number', () => {
    const lines: string[] = [];
    const { error } = console;
    console.error = (line: string) => lines.push(line);
    try {
      const progress = new ProgressLine(100, false);
      for (let i = 1; i <= 37; i++) progress.warn(`image ${i} skipped`);
      progress.stop();
    } finally {
      console.error = error;
    }
    assert.equal(lines.length, 11);
    assert.equal(lines[9], 'image 10 skipped');
    assert.equal(lines[10], '27 more images skipped');
  });
});

describe('options', () => {
  const parse = (...args: string[]) =>
    parseOptions('run', args, ['source'], { stride: { type: 'string' }, realtime: { type: 'boolean' } });

  it('come with their positionals', () => {
    const { values, positionals } = parse('a.bag', '--stride', '2', '--realtime');
    assert.deepEqual([values.stride, values.realtime, positionals], ['2', true, ['a.bag']]);
  });

  for (const [name, args, message] of [
    ['an unknown one', ['a', '--strid', '2'], /unknown option '--strid'\. Did you mean --stride\?.*qpvo run --help/i],
    ['a missing value', ['a', '--stride'], /stride/],
    ['a missing positional', [], /expected <source>, but received none/],
    ['too many positionals', ['a', 'b'], /expected <source>, but received a b/],
    ['a negative number for a switch', ['a', '--realtime', '-1'], /unknown option '-1'/i],
    ['a value for a switch', ['a', '--realtime=yes'], /realtime/],
  ] as const) {
    it(`refuse ${name}`, () => {
      assert.throws(() => parse(...args), { code: 'QPVO_USAGE', message });
    });
  }

  for (const text of ['', 'two', '-1', 'NaN', 'Infinity', '0']) {
    it(`refuse "${text}" as a stride`, () => {
      assert.throws(() => numberOption('stride', text, { least: 1, integer: true }), {
        code: 'QPVO_USAGE',
        message: /option --stride: expected a whole number of at least 1/,
      });
    });
  }

  it('take a negative number for the value that it is', () => {
    assert.equal(parse('a', '--stride', '-1').values.stride, '-1');
    assert.deepEqual(parse('--', '-1').positionals, ['-1']);
  });

  it('refuse a broken stride', () => {
    assert.throws(() => numberOption('stride', '1.5', { least: 1, integer: true }), { code: 'QPVO_USAGE' });
    assert.equal(numberOption('start', '1.5', { least: 0 }), 1.5);
  });
});

describe('settings of a run', () => {
  const model = {
    name: 'made-up',
    windows: { patchesPerFrame: 40, removalWindow: 18, patchLifetime: 9, optimizationWindow: 6 },
  };

  it('take the windows of the model over the defaults, and the profile over the model', () => {
    const plain = settleParameters(readProfile('cpu_fp32'), model, [], undefined);
    assert.deepEqual([plain.patchesPerFrame, plain.removalWindow, plain.patchLifetime], [40, 18, 9]);
    const published = settleParameters(readProfile('cpu_fp32_default'), model, [], undefined);
    assert.deepEqual([published.patchesPerFrame, published.removalWindow, published.patchLifetime], [96, 22, 13]);
  });

  it('take the command line over the profile', () => {
    const profile = readProfile('cpu_fp32_half');
    const parameters = settleParameters(
      profile,
      model,
      ['patchesPerFrame=64', 'networkScale=0.75', 'patchesPerFrame=32'],
      '9',
    );
    assert.deepEqual([parameters.patchesPerFrame, parameters.networkScale, parameters.seed], [32, 0.75, 9]);
  });

  it('name the profile that auto took, and why', () => {
    const said: string[] = [];
    const profile = settleProfile('auto', false, (line) => said.push(line));
    assert.deepEqual(said, [
      `profile ${profile.name}: a recorded run has no deadline, so the network sees the full resolution`,
    ]);
    settleProfile('cpu_fp32', true, (line) => said.push(line));
    assert.equal(said.length, 1);
    assert.throws(() => settleProfile('desktop_fp16', true, (line) => said.push(line)), {
      code: 'QPVO_PROFILE_UNAVAILABLE',
    });
    assert.equal(said.length, 1);
  });

  it('refuse an assignment without a value', () => {
    const profile = readProfile('cpu_fp32');
    assert.throws(() => settleParameters(profile, model, ['seed'], undefined), {
      code: 'QPVO_USAGE',
      message: /expected name=value, but received "seed"/,
    });
  });

  it('refuse a source without calibration', async () => {
    await assert.rejects(settleCalibration(new ListSource([]), undefined), {
      code: 'QPVO_CALIBRATION',
      message: /no camera calibration.*--camera/,
    });
  });

  it('refuse a calibration for another image size', async () => {
    const source = Object.assign(new ListSource([]), { calibration: CAMERAS.radtan });
    await assert.rejects(settleCalibration(source, undefined), {
      code: 'QPVO_CALIBRATION',
      message: /another image size: expected 4x4 as the images, but received 752x480/,
    });
  });
});

describe('summary', () => {
  const summary: RunSummary = {
    source: 'MH_05',
    frames: 100,
    tracked: 90,
    lost: 8,
    skipped: 2,
    keyframes: 40,
    segments: [{ segment: 0, firstStampNs: '1', lastStampNs: '2', frames: 90, keyframes: 40 }],
    fps: 6.789,
    latencyMs: { p50: 140, p95: 160.25, p99: 171 },
    pairs: 247,
    stagesMs: { encode: 22.31, update: 71.02 },
    peakRssMb: 412.4,
    ate: { rmseM: 0.1234567, alignment: 'sim3', poses: 88 },
    profile: 'cpu_fp32',
    model: 'small',
    seed: 0,
    incomplete: false,
    host: { cpu: 'x', cores: 2, memoryMb: 4000, os: 'Linux', node: 'v20' },
    version: '0.1.0',
  };

  it('is text for people', () => {
    assert.equal(
      summaryText(summary, ['out/trajectory.tum']),
      [
        'Summary of MH_05',
        '  frames     100 (90 tracked, 8 lost, 2 skipped)',
        '  keyframes  40 in 1 segment',
        '  speed      6.79 frames/s',
        '  latency    p50 140.0 ms, p95 160.3 ms, p99 171.0 ms',
        '  stages     encode 22.3, update 71.0 ms (medians)',
        '  memory     412 MB at most',
        '  ATE        0.1235 m RMSE over 88 poses, Sim(3) alignment',
        '  settings   profile cpu_fp32, model small, seed 0',
        'Written:',
        '  out/trajectory.tum',
      ].join('\n'),
    );
  });

  it('says that a run is incomplete, and what a live run dropped', () => {
    const text = summaryText({ ...summary, incomplete: true, dropped: 7 }, []);
    assert.match(text, /^The run is incomplete/);
    assert.match(text, /2 skipped, 7 dropped/);
  });

  it('says what a run without any pose lacked', () => {
    assert.match(summaryText({ ...summary, tracked: 0 }, []), /No frame got a pose: .*moves sideways/);
    assert.doesNotMatch(summaryText(summary, []), /No frame/);
    const skipReason = 'the stamp goes back';
    assert.match(summaryText({ ...summary, tracked: 0, skipReason }, []), /moves sideways/);
    assert.match(
      summaryText({ ...summary, tracked: 0, skipped: 80, skipReason }, []),
      /^No frame got a pose: 80 of 100 images were skipped, most of them like this: the stamp goes back\n/,
    );
  });
});

describe('reasons for skipping', () => {
  it('count as one when they differ in numbers only', () => {
    const reasons = new SkipReasons();
    assert.equal(reasons.main(), undefined);
    for (const text of ['size 4x4', 'stamp 5 goes back', 'stamp 6 goes back']) reasons.add(text);
    assert.equal(reasons.main(), 'stamp 5 goes back');
  });
});

describe('build tools', () => {
  for (const [name, oldest, answer, status] of [
    ['g++', '11', 'g++ (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0\nCopyright', 'ok'],
    ['g++', '11', 'g++ (GCC) 12.3.1 20230508 (Red Hat 12.3.1-1)\n', 'ok'],
    ['g++', '11', 'g++ (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0\n', 'warning'],
    ['cmake', '3.22', 'cmake version 3.16.3\n', 'warning'],
    ['g++', '11', 'something else\n', 'warning'],
    ['make', undefined, 'GNU Make 4.3\n', 'ok'],
    ['make', undefined, undefined, 'warning'],
  ] as const) {
    it(`${name} that says "${answer?.split('\n')[0]}" is ${status}`, () => {
      assert.equal(toolCheck(name, oldest, answer).status, status);
    });
  }

  it('too old ones are told with what is needed', () => {
    assert.equal(
      toolCheck('g++', '11', 'g++ (Debian 10.2.1-6) 10.2.1\n').detail,
      '10.2.1 is older than 11; 11 or newer is needed to build the addon',
    );
  });
});

describe('versions', () => {
  it('compare by number, not by letter', () => {
    assert.ok(compareVersions('20.9.0', '20.20') < 0);
    assert.ok(compareVersions('22.0.0', '20.20') > 0);
    assert.equal(compareVersions('20.20', '20.20.0'), 0);
  });
});

describe('what doctor says of a profile', () => {
  it('names device, model, scale, precisions and runtimes', () => {
    assert.equal(
      profileText(readProfile('orin_int8_tensorrt'), 1),
      'cuda, model small at scale 1, encoders int8 (tensorrt), update operator int8 (cuda)',
    );
  });
});
