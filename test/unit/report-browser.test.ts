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

const CHROMIUM = '/usr/bin/chromium';
const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What the page says about itself. */
interface Measured {
  scrollWidth: number;
  clientWidth: number;
  /** Drawings and curves that are displayed. */
  drawings: number;
  curves: number;
  /** Pairs of texts in one drawing that lie on each other. */
  overlaps: string[];
  /** Elements that stick out of the page. */
  outside: string[];
  /** Texts whose contrast with the background behind them is under 4.5. */
  faint: string[];
}

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

/** Runs in the page; text, because the page has no part in the types of this program. */
const MEASURE = `(() => {
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const svgs = [...document.querySelectorAll('svg')].filter(shown);
  const overlaps = [];
  for (const svg of svgs) {
    const boxes = [...svg.querySelectorAll('text')].map((node) => [node.textContent, node.getBoundingClientRect()]);
    boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
      const w = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (w > 1 && h > 3) overlaps.push(svg.getAttribute('aria-label') + ': ' + a + ' / ' + b);
    }));
  }
  const inScroll = (node) => node.closest('.scroll') !== null && !node.matches('.scroll');
  const outside = [...document.querySelectorAll('body *')].filter((node) => shown(node) && !inScroll(node)).flatMap((node) => {
    const box = node.getBoundingClientRect();
    return box.right > document.documentElement.clientWidth + 1 || box.left < -1 ? [node.tagName + ' ' + node.textContent.slice(0, 30)] : [];
  });
  const wide = [...document.querySelectorAll('.scroll')].filter((node) => shown(node) && node.scrollWidth > node.clientWidth + 1);
  outside.push(...wide.map((node) => 'table ' + node.textContent.slice(0, 40)));
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)' && colour !== 'transparent') return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [...document.querySelectorAll('text, p, td, th, dt, dd, li, h1, h2, h3, figcaption')].filter(shown).flatMap((node) => {
    const style = getComputedStyle(node);
    const [a, b] = [light(node.tagName === 'text' ? style.fill : style.color), light(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return contrast < 4.5 ? [node.textContent.slice(0, 30) + ' ' + contrast.toFixed(2)] : [];
  });
  return {
    scrollWidth: document.documentElement.scrollWidth,
    clientWidth: document.documentElement.clientWidth,
    drawings: svgs.length,
    curves: svgs.reduce((sum, svg) => sum + [...svg.querySelectorAll('path')].filter((path) => path.getAttribute('d').length > 4).length, 0),
    overlaps, outside, faint,
  };
})()`;
