// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAV0 = fileURLToPath(new URL('../../demo/sequence/mav0', import.meta.url));
const rows = (file: string) =>
  readFileSync(join(MAV0, file), 'utf8')
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(','));

describe('the demo sequence', () => {
  const images = rows('cam0/data.csv');
  const truth = rows('state_groundtruth_estimate0/data.csv');

  it('has about ten seconds of images, each listed once, in at most 8 MB', () => {
    const files = readdirSync(join(MAV0, 'cam0/data')).sort();
    assert.deepEqual(
      images.map(([, name]) => name),
      files,
    );
    const seconds = Number(BigInt(images.at(-1)?.[0] ?? 0) - BigInt(images[0]?.[0] ?? 0)) / 1e9;
    assert.ok(seconds > 9 && seconds < 11, `${seconds} s`);
    const bytes = files.reduce((sum, name) => sum + statSync(join(MAV0, 'cam0/data', name)).size, 0);
    assert.ok(bytes < 8e6, `${bytes} bytes`);
  });

  it('has a ground-truth pose at the stamp of every image, with unit quaternions', () => {
    assert.deepEqual(
      truth.map(([stamp]) => stamp),
      images.map(([stamp]) => stamp),
    );
    for (const row of truth) {
      assert.equal(row.length, 17);
      const [w, x, y, z] = row.slice(4, 8).map(Number);
      assert.ok(Math.abs(Math.hypot(w ?? 0, x ?? 0, y ?? 0, z ?? 0) - 1) < 1e-8);
    }
  });

  it('has velocities that agree with its positions', () => {
    const at = (k: number, from: number) => (truth[k] ?? []).slice(from, from + 3).map(Number);
    for (let k = 1; k < truth.length - 1; k++) {
      const [before, after, velocity] = [at(k - 1, 1), at(k + 1, 1), at(k, 8)];
      const error = Math.hypot(...velocity.map((v, i) => ((after[i] ?? 0) - (before[i] ?? 0)) / 0.1 - v));
      assert.ok(error < 0.02, `row ${k}: ${error} m/s`);
    }
  });
});
