// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluateTrajectory } from '../../src/evaluation/evaluateTrajectory.ts';
import type { Quat, Vec3 } from '../../src/odometry/se3.ts';
import { DecimatedList } from '../../src/outputs/DecimatedList.ts';
import type { OutputContext } from '../../src/outputs/OutputContext.ts';
import { ReportOutput } from '../../src/outputs/ReportOutput.ts';
import { RunRecord } from '../../src/outputs/report/RunRecord.ts';
import { stateRuns } from '../../src/outputs/report/stateRuns.ts';
import { element, escapeText, polyline } from '../../src/outputs/report/svg.ts';
import { spread, thin } from '../../src/outputs/report/thin.ts';
import { roundUp, ticksOf, tickText } from '../../src/outputs/report/ticks.ts';
import { project, viewsOf } from '../../src/outputs/report/views.ts';
import { finalPosesOf, type SyntheticRun, syntheticRun } from './outputs-syntheticRun.ts';

describe('parts of the report', () => {
  it('ticks stand at round numbers inside the range', () => {
    const cases: [number, number, number, number[], number][] = [
      [0, 10, 5, [0, 2, 4, 6, 8, 10], 0],
      [0, 0.0123, 4, [0, 0.005, 0.01], 3],
      [-3.4, 5.9, 5, [-2, 0, 2, 4], 0],
      [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1], 1],
      [2, 2, 5, [2], 1],
    ];
    for (const [min, max, count, expected, digits] of cases) {
      const ticks = ticksOf(min, max, count);
      assert.deepEqual(
        ticks.values.map((value) => Number(value.toFixed(9))),
        expected,
      );
      assert.equal(ticks.digits, digits);
    }
    assert.deepEqual(
      [0.3, 1, 1.1, 2.5, 7, 40].map(roundUp).map((v) => Number(v.toPrecision(3))),
      [0.5, 1, 2, 5, 10, 50],
    );
    assert.deepEqual([tickText(-0.04, 1), tickText(-2, 0), tickText(0.25, 2)], ['0.0', '\u22122', '0.25']);
  });

  it('curves are interrupted where there is no value', () => {
    assert.equal(polyline([0, 1, 2, 3, 4], [0, 1.25, Number.NaN, 3, 4]), 'M0 0L1 1.3M3 3L4 4');
  });

  it('thinning keeps ends of the list, peaks and gaps', () => {
    const y = Array.from({ length: 10_000 }, (_, i) =>
      i === 4321 ? 99 : i === 777 ? -99 : i >= 5000 && i < 6000 ? Number.NaN : i % 7,
    );
    const curve = thin({ x: y.map((_, i) => i), y }, 200);
    assert.ok(curve.x.length <= 600 && curve.x.length > 300);
    assert.ok(curve.y.includes(99) && curve.y.includes(-99) && curve.y.some(Number.isNaN));
    assert.deepEqual(
      curve.x,
      [...curve.x].sort((a, b) => a - b),
    );
    assert.deepEqual(spread(3, 5), [0, 1, 2]);
    assert.deepEqual(spread(101, 3), [0, 50, 100]);
  });

  it('a list of bounded length covers an endless stream evenly', () => {
    const list = new DecimatedList<number>(100);
    for (let i = 0; i < 12_345; i++) {
      list.push(i);
      assert.ok(list.items.length <= 100);
    }
    assert.equal(list.stride, 128);
    assert.deepEqual(
      list.items,
      Array.from({ length: Math.ceil(12_345 / 128) }, (_, i) => i * 128),
    );
  });

  it('what is kept of a long run is bounded', () => {
    const record = new RunRecord();
    const [first] = syntheticRun(1).results;
    const pose = {
      stampNs: 0n,
      sequence: 0,
      T_world_camera: { t: [0, 0, 0] as Vec3, q: [0, 0, 0, 1] as Quat },
      segment: 0,
      isKeyframe: false,
    };
    for (let i = 0; i < 72_000; i++) {
      const stampNs = BigInt(i) * 50_000_000n;
      record.add({ ...first!, stampNs, sequence: i, finalPoses: [{ ...pose, stampNs }], finalPoints: [] });
    }
    assert.ok(
      record.frames.items.length <= 4_000 && record.poses.items.length <= 4_000 && record.poses.items.length > 1_900,
    );
    assert.equal(record.durationS, 3599.95);
  });

  it('the vertical of the views is found from the attitudes', () => {
    // Image down (camera y) along -z, +z, and +y of the world.
    const cases: [Quat, string][] = [
      [[-Math.SQRT1_2, 0, 0, Math.SQRT1_2], 'x y, up +z'],
      [[Math.SQRT1_2, 0, 0, Math.SQRT1_2], 'y x, up -z'],
      [[0, 0, 0, 1], 'x z, up -y'],
    ];
    for (const [q, expected] of cases) {
      const [top, side] = viewsOf([q], [], { index: 0, sign: 1 });
      const names = 'xyz';
      assert.equal(
        `${names[top.right.index]} ${names[top.up.index]}, up ${side.up.sign > 0 ? '+' : '-'}${names[side.up.index]}`,
        expected,
      );
    }
    const positions: Vec3[] = [
      [0, 0, 0],
      [1, 9, 2],
    ];
    const [, side] = viewsOf([[-Math.SQRT1_2, 0, 0, Math.SQRT1_2]], positions, { index: 0, sign: 1 });
    assert.deepEqual(project(side, [1, 9, 2]), [9, 2], 'the longer side is to the right');
  });

  it('runs of states, with their first reason', () => {
    const { results } = syntheticRun(400);
    const record = new RunRecord();
    for (const result of results) record.add(result);
    const runs = stateRuns(record.frames.items, record.durationS);
    assert.deepEqual(
      runs.map((run) => [run.state, run.frames, Math.round(run.fromS * 100) / 100]),
      [
        ['INITIALIZING', 8, 0],
        ['TRACKING', 192, 0.4],
        ['DEGRADED', 16, 10],
        ['TRACKING', 64, 10.8],
        ['LOST', 30, 14],
        ['INITIALIZING', 21, 15.5],
        ['TRACKING', 69, 16.55],
      ],
    );
    assert.match(runs[4]!.reason, /motion blur/);
  });

  it('text is made safe', () => {
    assert.equal(escapeText(`<a href="x">'&'</a>`), '&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;');
    assert.equal(element('i', { class: '"><script>' }), '<i class="&quot;&gt;&lt;script&gt;"></i>');
  });
});

describe('ReportOutput', () => {
  let folder: string;
  const run = syntheticRun();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-report-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function pageOf(name: string, context: OutputContext, source: SyntheticRun): Promise<string> {
    const output = await ReportOutput.create(join(folder, name), context);
    for (const result of source.results) await output.write(result);
    await output.finish(source.end, source.summary);
    return readFile(output.path, 'utf8');
  }

  it('holds the numbers of the evaluation and of the summary', async () => {
    const page = await pageOf('a.html', run.context, run);
    const { overall } = evaluateTrajectory(finalPosesOf(run), run.groundTruth);
    for (const text of [
      `${overall.ate.translationM.rmse.toFixed(3)} m`,
      '441',
      '88.2 % of frames',
      '412 MB',
      'p95 138, p99 182',
      'segment 1',
      'Example CPU @ 2.60GHz',
      'cpu_fast',
      '2014-06-24',
    ]) {
      assert.ok(page.includes(text), `"${text}" is in the report`);
    }
    assert.ok(page.includes('loop &lt;b&gt;&amp; a half&lt;/b&gt;') && !page.includes('loop <b>'));
  });

  it('gives the same bytes for the same run', async () => {
    assert.equal(await pageOf('b.html', run.context, run), await pageOf('c.html', run.context, syntheticRun()));
  });

  it('works without ground truth, without poses, and without any frame', async () => {
    const { groundTruth: _, ...bare } = run.context;
    const cases: [string, OutputContext, SyntheticRun, RegExp, RegExp][] = [
      ['d.html', bare, run, /units of the estimate, not metres/, /Position error/],
      [
        'e.html',
        run.context,
        { ...syntheticRun(6), end: { finalPoses: [], finalPoints: [] } },
        /No pose was found[\s\S]*no comparison|no comparison[\s\S]*No pose was found/,
        /Position error/,
      ],
      [
        'f.html',
        bare,
        { ...run, results: [], end: { finalPoses: [], finalPoints: [] } },
        /No pose was found/,
        /Position error/,
      ],
    ];
    for (const [name, context, source, has, hasNot] of cases) {
      const page = await pageOf(name, context, source);
      assert.match(page, has);
      assert.doesNotMatch(page, hasNot);
      assert.ok(
        !/NaN|Infinity|undefined/.test(page.replace(/<script>[\s\S]*<\/script>/, '')),
        `${name} shows numbers only`,
      );
    }
  });

  it('says why there is no comparison when ground truth is of another time', async () => {
    const late = run.groundTruth.map((pose) => ({ ...pose, stampNs: pose.stampNs + 10n ** 15n }));
    const page = await pageOf('g.html', { ...run.context, groundTruth: late }, run);
    assert.match(page, /no comparison: Estimate and reference do not overlap in time/);
  });

  it('is a page that says so until the run ends', async () => {
    const output = await ReportOutput.create(join(folder, 'h.html'), run.context);
    assert.match(await readFile(output.path, 'utf8'), /This run has not ended/);
    await output.finish(run.end, run.summary);
  });
});
