// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTrajectory, readTrajectory } from '../../src/evaluation/readTrajectory.ts';
import { formatStampS, parseStampS } from '../../src/evaluation/stampText.ts';

describe('stamps as text', () => {
  it('keep every nanosecond', () => {
    for (const stampNs of [0n, 1n, 999_999_999n, 1_403_638_537_577_829_376n, -1_500_000_000n]) {
      assert.equal(parseStampS(formatStampS(stampNs)), stampNs);
    }
    assert.equal(formatStampS(1_403_638_537_000_000_001n), '1403638537.000000001');
  });

  it('come in the forms other tools write', () => {
    const cases: [string, bigint | undefined][] = [
      ['12', 12_000_000_000n],
      ['12.5', 12_500_000_000n],
      ['5.', 5_000_000_000n],
      ['1.403638537577829376e+09', 1_403_638_537_577_829_376n],
      ['1e-9', 1n],
      ['0.1234567891', 123_456_789n],
      ['1403638537577829376', 1_403_638_537_577_829_376n],
      ['1403638537577829376.0', 1_403_638_537_577_829_376n],
      ['-0.25', -250_000_000n],
      ['', undefined],
      ['.', undefined],
      ['nan', undefined],
      ['1,5', undefined],
      ['0x10', undefined],
    ];
    for (const [text, expected] of cases) assert.equal(parseStampS(text), expected, `"${text}"`);
  });
});

describe('readTrajectory', () => {
  it('reads TUM files with segments, comments, tabs and CRLF', () => {
    const text =
      '# made by hand\r\n# segment 0\r\n1.000000001 1 2 3 0 0 0 1\r\n\r\n# segment 2\r\n2.5\t4 5 6  0 0 0.70710678 0.70710678\r\n';
    const { format, poses } = parseTrajectory(text, 'a.tum');
    assert.equal(format, 'TUM');
    assert.deepEqual(poses[0], { stampNs: 1_000_000_001n, t: [1, 2, 3], q: [0, 0, 0, 1], segment: 0 });
    assert.equal(poses[1]!.segment, 2);
    assert.ok(Math.abs(Math.hypot(...poses[1]!.q) - 1) < 1e-15, 'unit length');
  });

  it('has no segments when the file has none', () => {
    assert.equal('segment' in parseTrajectory('1 0 0 0 0 0 0 1', 'a.tum').poses[0]!, false);
  });

  it('reads the ground truth csv of EuRoC, quaternion w first', () => {
    const text =
      '#timestamp, p_RS_R_x [m], p_RS_R_y [m], p_RS_R_z [m], q_RS_w [], q_RS_x [], q_RS_y [], q_RS_z []\n' +
      '1403638537577829632,4.603211,-1.656314,0.568585,0.5,-0.5,0.5,-0.5,-0.0008,0,0\n';
    const { format, poses } = parseTrajectory(text, 'data.csv');
    assert.equal(format, 'ASL');
    assert.deepEqual(poses, [
      { stampNs: 1_403_638_537_577_829_632n, t: [4.603211, -1.656314, 0.568585], q: [-0.5, 0.5, -0.5, 0.5] },
    ]);
  });

  it('names file, line and problem of a line it cannot read', () => {
    const good = '1 0 0 0 0 0 0 1\n';
    const cases: [string, RegExp][] = [
      [`${good}2 0 0 0 0 0 1\n`, /x\.tum, line 2, cannot be read: expected stamp_s tx .* received 7 fields/],
      [`${good}\n3 0 zero 0 0 0 0 1\n`, /line 3.*"zero" where a number should be/],
      [`${good}soon 0 0 0 0 0 0 1\n`, /the stamp "soon"/],
      [`${good}2 NaN 0 0 0 0 0 1\n`, /"NaN" where a number should be/],
      [`${good}2 0 0 0 0 0 0 0\n`, /quaternion of length 0/],
      [`1,0,0,0,1,0,0,0\n2,0,0,,1,0,0,0\n`, /line 2.*"" where a number/],
      [`1.5,0,0,0,1,0,0,0\n`, /the stamp "1\.5"/],
      ['', /holds no pose.*an empty file/],
      ['# nothing\n', /holds no pose.*comments/],
    ];
    for (const [text, message] of cases)
      assert.throws(() => parseTrajectory(text, 'x.tum'), { code: 'QPVO_EVALUATION', message });
  });

  it('tells a missing file and a folder apart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'qpvo-read-'));
    try {
      await writeFile(join(folder, 'a.tum'), '1 0 0 0 0 0 0 1\n');
      assert.equal((await readTrajectory(join(folder, 'a.tum'))).poses.length, 1);
      await assert.rejects(readTrajectory(join(folder, 'b.tum')), { code: 'QPVO_NOT_FOUND', message: /b\.tum/ });
      await assert.rejects(readTrajectory(folder), { code: 'QPVO_EVALUATION', message: /received a folder/ });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
