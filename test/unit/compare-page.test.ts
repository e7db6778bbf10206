// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import type { ComparedRun, ComparisonPlan } from '../../src/compare/Comparison.ts';
import { compareRuns } from '../../src/compare/compareRuns.ts';
import { comparisonPage } from '../../src/compare/page/comparisonPage.ts';
import { dotPlot } from '../../src/compare/page/dotPlot.ts';
import { sequenceTracks } from '../../src/compare/page/tracks.ts';
import { RunErrors } from '../../src/compare/RunErrors.ts';
import { contender, planOf, SUMMARY, sequence, TRUTH, writeRuns } from './compare-syntheticRuns.ts';
import { CHROMIUM, MEASURE, type Measured, QUIET } from './pageMeasures.ts';

const CONTEXT = { date: '2026-01-02T03:04:05.000Z', version: '0.1.0', host: SUMMARY.host };

async function pageOf(plan: ComparisonPlan, runs: readonly ComparedRun[]): Promise<string> {
  const errors = new RunErrors(plan);
  for (const run of runs) errors.add(run);
  const comparison = await compareRuns(plan, runs, errors);
  const tracks = await Promise.all(comparison.sequences.map((result) => sequenceTracks(plan, result, runs)));
  return comparisonPage(comparison, tracks, CONTEXT);
}

describe('page of a comparison', function () {
  this.timeout(60_000);
  const plan = planOf({
    contenders: [contender('cpu_fp32'), contender('cpu_int8'), contender('a <b>fast</b> one')],
    sequences: [sequence('arc', TRUTH), sequence('no_truth')],
  });
  let folder: string;
  let runs: ComparedRun[];
  let browser: Browser | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-page-'));
    const isFailed = (profile: string, seed: number) => profile.startsWith('a ') && seed === 2;
    runs = await writeRuns(folder, plan, ({ profile, seed }) =>
      isFailed(profile, seed) ? undefined : 0.01 * (seed + 1) + (profile.startsWith('a ') ? 0.05 : 0),
    );
    await writeFile(join(folder, 'whole.html'), await pageOf(plan, runs));
    await writeFile(join(folder, 'part.html'), await pageOf(plan, runs.slice(0, 2)));
    if (existsSync(CHROMIUM)) browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  it('says what is judged, what failed and what is still to be made; names are text', async () => {
    const whole = await pageOf(plan, runs);
    assert.match(whole, /<li class="within"><b>within<\/b><span>cpu_int8 against cpu_fp32: median ATE/);
    assert.match(whole, /<li class="beyond"><b>BEYOND<\/b><span>a &lt;b&gt;fast&lt;\/b&gt; one against cpu_fp32/);
    assert.match(whole, /<li class="failed">.*1 of 3 runs\. out of &lt;memory&gt;/);
    assert.match(whole, /2 runs failed: see at the sequences/);
    assert.doesNotMatch(whole, /were made so far|<b>fast/);
    assert.match(await pageOf(plan, runs.slice(0, 2)), /2 of 18 runs were made so far/);
    assert.match(await pageOf(plan, []), /No run was made\./);
  });

  it('lists every sequence and profile, however many', async () => {
    const names = Array.from({ length: 13 }, (_, n) => `sequence_${n}`);
    const many = planOf({ sequences: names.map((name) => sequence(name)), seeds: 1 });
    const page = await pageOf(many, await writeRuns(join(folder, 'many'), many, () => 0.01));
    const overview = page.slice(page.indexOf('All sequences')).split('</table>')[0]!;
    assert.equal(overview.match(/<tr/g)!.length, 1 + 2 * names.length);
    for (const name of names) assert.ok(overview.includes(`>${name}<`), name);
    assert.doesNotMatch(page, /and \d+ more/);
  });

  it('is the same bytes for the same runs', async () => {
    assert.equal(await pageOf(plan, runs), await pageOf(plan, runs));
  });

  it('draws the run with the median error of each profile on the ground truth, in its frame', async () => {
    const errors = new RunErrors(plan);
    for (const run of runs) errors.add(run);
    const { sequences } = await compareRuns(plan, runs, errors);
    const drawn = await sequenceTracks(plan, sequences[0]!, runs);
    // The failed run of the third one counts as the greatest error, so that its median is seed 1 too.
    assert.deepEqual(
      drawn.tracks.map(({ seed }) => seed),
      [1, 1, 1],
    );
    assert.equal(drawn.reference.length, TRUTH.length);
    for (const { parts, error } of drawn.tracks) {
      assert.equal(parts.length, 1);
      parts[0]!.positions.forEach((position, k) => {
        const { t } = TRUTH[k]!;
        const offM = Math.hypot(position[0] - t[0], position[1] - t[1], position[2] - t[2]);
        assert.ok(offM < 0.1, `${offM} m off`);
        assert.ok(Math.abs(offM - error.y[k]!) < 1e-9);
      });
    }
    const bare = await sequenceTracks(plan, sequences[1]!, runs);
    assert.equal(bare.reference.length, 0);
    assert.ok(
      bare.tracks[0]!.error.y.every((value) => value < 1e-6),
      'the first profile lies on itself',
    );
  });

  it('dots stand where their values are, on an axis from zero', () => {
    const row = { className: 's0', median: 2 };
    const drawing = dotPlot({
      label: 'values',
      width: 500,
      axis: 'ms',
      rows: [
        { ...row, name: 'a', dots: [1, 2, 4].map((value) => ({ value, text: String(value) })) },
        { ...row, name: 'b', dots: [], median: Number.POSITIVE_INFINITY },
      ],
      band: { from: 0, to: 2, title: 'allowed' },
    });
    const [one, two, four] = [...drawing.matchAll(/<circle cx="([\d.]+)"/g)].map((match) => Number(match[1]));
    assert.ok(Math.abs(four! - two! - 2 * (two! - one!)) < 0.3);
    const band = /<rect x="([\d.]+)" y="4" width="([\d.]+)"/.exec(drawing)!;
    assert.ok(Math.abs(Number(band[1]) + Number(band[2]) - two!) < 0.3);
    assert.equal(drawing.match(/class="median/g)!.length, 1);
    assert.doesNotMatch(drawing, /NaN|Infinity/);
  });

  for (const name of ['whole.html', 'part.html']) {
    for (const width of [1280, 390]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        it(`${name}, ${width} px, ${colorScheme}: quiet, within the page, readable`, async function () {
          if (browser === undefined) {
            console.log(`    SKIPPED: there is no ${CHROMIUM}; install it with: apt-get install -y chromium`);
            this.skip();
          }
          const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
          const url = pathToFileURL(join(folder, name)).href;
          const complaints: string[] = [];
          page.on('console', (message) => complaints.push(message.text()));
          page.on('pageerror', (error) => complaints.push(error.message));
          page.on('request', (request) => {
            if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(request.url());
          });
          await page.goto(url);
          const seen = (await page.evaluate(MEASURE)) as Measured;
          assert.deepEqual(complaints, []);
          assert.ok(seen.scrollWidth <= seen.clientWidth, `${seen.scrollWidth} px wide in ${seen.clientWidth}`);
          assert.deepEqual(seen.overlaps, []);
          assert.deepEqual(seen.faint, []);
          assert.deepEqual(
            seen.outside.filter((what) => !what.startsWith('table ')),
            [],
          );
          assert.ok(seen.drawings >= (name === 'whole.html' ? 16 : 8), `${seen.drawings} drawings`);
          await page.close();
        });
      }
    }
  }
});
