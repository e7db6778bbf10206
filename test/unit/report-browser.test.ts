// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ReportOutput } from '../../src/outputs/ReportOutput.ts';
import { syntheticRun } from './outputs-syntheticRun.ts';
import { CHROMIUM, MEASURE, type Measured, QUIET } from './pageMeasures.ts';

describe('report in Chromium', function () {
  this.timeout(60_000);
  let folder: string;
  let browser: Browser;

  before(async function () {
    if (!existsSync(CHROMIUM)) {
      console.log(`    SKIPPED: there is no ${CHROMIUM}; install it with: apt-get install -y chromium`);
      this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), 'qpvo-browser-'));
    const run = syntheticRun();
    const { groundTruth: _, ...bare } = run.context;
    for (const [name, context] of [['truth.html', run.context] as const, ['bare.html', bare] as const]) {
      const output = await ReportOutput.create(join(folder, name), context);
      for (const result of run.results) await output.write(result);
      await output.finish(run.end, run.summary);
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });
  after(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  async function openReport(
    name: string,
    width: number,
    colorScheme: 'light' | 'dark',
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const complaints: string[] = [];
    const url = pathToFileURL(join(folder, name)).href;
    page.on('console', (message) => complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(url);
    return { page, complaints };
  }

  for (const name of ['truth.html', 'bare.html']) {
    for (const width of [1280, 390]) {
      for (const scheme of ['light', 'dark'] as const) {
        it(`${name}, ${width} px, ${scheme}: quiet, within the page, readable`, async () => {
          const { page, complaints } = await openReport(name, width, scheme);
          const seen = (await page.evaluate(MEASURE)) as Measured;
          assert.deepEqual(complaints, []);
          assert.ok(seen.scrollWidth <= seen.clientWidth, `${seen.scrollWidth} px wide in ${seen.clientWidth}`);
          assert.deepEqual(seen.outside, []);
          assert.deepEqual(seen.overlaps, []);
          assert.deepEqual(seen.faint, []);
          const [drawings, curves] = name === 'truth.html' ? [7, 17] : [5, 7];
          assert.ok(
            seen.drawings >= drawings && seen.curves >= curves,
            `${seen.drawings} drawings, ${seen.curves} curves`,
          );
          const text = await page.evaluate('document.body.innerText');
          for (const part of [
            'loop <b>& a half</b>',
            'Top view',
            'Side view',
            'Tracking',
            'LOST',
            'motion blur',
            'Median time by stage',
            'encoders',
          ]) {
            assert.ok(String(text).includes(part), `"${part}" can be read`);
          }
          await page.close();
        });
      }
    }
  }

  it('tells the value under the pointer, and nothing is missing without the script', async () => {
    const { page, complaints } = await openReport('truth.html', 1280, 'light');
    const plot = page.locator('svg[aria-label="Position error over time"]:visible');
    await plot.scrollIntoViewIfNeeded();
    await plot.hover();
    assert.match(await page.locator('#tip').innerText(), /^\d+\.\d s: error.* m$/);
    assert.deepEqual(complaints, []);
    const still = await browser.newContext({ javaScriptEnabled: false });
    const quiet = await still.newPage();
    await quiet.goto(pathToFileURL(join(folder, 'truth.html')).href);
    assert.ok(await quiet.locator('svg:visible').first().isVisible());
    await still.close();
  });
});
