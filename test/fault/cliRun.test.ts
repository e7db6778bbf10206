// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McapStreamReader } from '@mcap/core';
import { loadDecompressHandlers } from '@mcap/support';
import sharp from 'sharp';
import type { RunSummary } from '../../src/outputs/RunSummary.ts';
import { writeMcap } from '../fixtures/mcapFile.ts';
import { imageMessage, type RecordedMessage } from '../fixtures/rosMessages.ts';
import { type CliResult, runCli } from './runCli.ts';
import { HEIGHT, imagePath, WIDTH, writeTextureSequence } from './textureSequence.ts';

const FILES = ['trajectory.tum', 'odometry.mcap', 'map.ply', 'report.html'];
const IMAGES = 24;

describe('command line: runs', function () {
  this.timeout(120_000);
  let folder: string;
  let wall: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-run-'));
    wall = join(folder, 'wall');
    await writeTextureSequence(wall, IMAGES);
  });
  after(() => rm(folder, { recursive: true }));

  const run = async (source: string, ...args: string[]): Promise<CliResult & { out: string; summary: RunSummary }> => {
    const out = join(folder, `out-${args.length}-${Math.round(performance.now())}`);
    const json = join(out, 'summary.json');
    const result = await runCli(['run', source, '--out', out, '--json', json, ...args]);
    return { ...result, out, summary: JSON.parse(await readFile(json, 'utf8')) as RunSummary };
  };

  /** A copy of the sequence that may be damaged. */
  const copyOfWall = async (name: string): Promise<string> => {
    const copy = join(folder, name);
    await mkdir(copy);
    await copyFile(join(wall, 'camera.yaml'), join(copy, 'camera.yaml'));
    for (let i = 0; i < IMAGES; i++) await copyFile(imagePath(wall, i), imagePath(copy, i));
    return copy;
  };

  it('a whole run writes its files and its summary', async () => {
    const { code, stdout, stderr, out, summary } = await run(wall, '--seed', '5');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Summary of /);
    for (const file of FILES) assert.match(stdout, new RegExp(`^  .*${file.replace('.', '\\.')}$`, 'm'));
    assert.deepEqual([summary.frames, summary.skipped, summary.seed], [IMAGES, 0, 5]);
    assert.equal(summary.frames, summary.tracked + summary.lost);
    assert.equal(summary.incomplete, false);
    await assertValid(out, summary.tracked);
  });

  it('--no-report leaves the report out', async () => {
    const { code, stderr, out } = await run(wall, '--no-report', '--end', '0.2');
    assert.equal(code, 0, stderr);
    await assert.rejects(stat(join(out, 'report.html')), { code: 'ENOENT' });
  });

  it('a damaged image in the middle is skipped and said', async () => {
    const source = await copyOfWall('damaged-middle');
    await truncate(imagePath(source, 9), 60);
    const { code, stderr, out, summary } = await run(source);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /skipped: .*000009\.png/);
    assert.deepEqual([summary.frames, summary.skipped], [IMAGES, 1]);
    await assertValid(out, summary.tracked);
  });

  it('damaged last images are skipped and said', async () => {
    const source = await copyOfWall('damaged-end');
    for (let i = 20; i < IMAGES; i++) await writeFile(imagePath(source, i), 'no image');
    const { code, stderr, out, summary } = await run(source);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /skipped: .*000023\.png/);
    assert.equal(summary.incomplete, false);
    assert.deepEqual([summary.frames, summary.skipped], [IMAGES, 4]);
    await assertValid(out, summary.tracked);
  });

  it('a recording that was cut off keeps what came before, with exit code 1', async () => {
    const source = join(folder, 'cut.mcap');
    await writeMcap(source, await messagesOf(wall), { chunkSize: 30_000 });
    await truncate(source, Math.floor(0.7 * (await stat(source)).size));
    const { code, stderr, out, summary } = await run(source, '--camera', join(wall, 'camera.yaml'));
    assert.equal(code, 1);
    assert.match(stderr, /cannot be read beyond image 1\d: received .*was cut off.*QPVO_SOURCE_CORRUPT/);
    assert.doesNotMatch(stderr, /skipped/);
    assert.equal(summary.incomplete, true);
    assert.ok(summary.frames > 10 && summary.frames < IMAGES, `${summary.frames}`);
    assert.equal(summary.skipped, 0);
    await assertValid(out, summary.tracked);
  });

  it('--camera stands in for a damaged calibration of the recording', async () => {
    const source = await copyOfWall('damaged-camera');
    await writeFile(join(source, 'camera.yaml'), 'intrinsics: [1, 2\nresolution: }{\n');
    const refused = await runCli(['run', source, '--out', join(folder, 'no-camera')]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /not valid YAML.*QPVO_CALIBRATION/);
    const { code, stderr, summary } = await run(source, '--camera', join(wall, 'camera.yaml'), '--end', '0.2');
    assert.equal(code, 0, stderr);
    assert.ok(summary.frames > 0);
  });

  it('an image of another size in the middle is skipped and said', async () => {
    const source = await copyOfWall('another-size');
    await sharp(imagePath(wall, 12)).resize(80, 56).png().toFile(imagePath(source, 12));
    const { code, stderr, summary } = await run(source);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /skipped: .*160x112.*80x56/);
    assert.equal(summary.skipped, 1);
  });

  it('a calibration for another size is refused before anything is written', async () => {
    const camera = join(folder, 'large.yaml');
    await writeFile(camera, 'intrinsics: [450, 450, 376, 240]\nresolution: [752, 480]\n');
    const out = join(folder, 'never');
    const { code, stderr } = await runCli(['run', wall, '--camera', camera, '--out', out]);
    assert.equal(code, 1);
    assert.match(stderr, /another image size: expected 160x112.*752x480/);
    await assert.rejects(stat(out), { code: 'ENOENT' });
  });

  it('a disk that is full at the start: nothing is left behind', async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: /dev/full is only there on Linux');
      this.skip();
    }
    const out = join(folder, 'full');
    await mkdir(out);
    await symlink('/dev/full', join(out, 'odometry.mcap'));
    const { code, stderr } = await runCli(['run', wall, '--out', out]);
    assert.equal(code, 1);
    assert.match(stderr, /odometry\.mcap.*ENOSPC.*--out.*QPVO_OUTPUT/);
    assert.deepEqual(await readdir(out), ['odometry.mcap']);
  });

  it('an output that cannot be created leaves the results of a former run alone', async () => {
    const out = join(folder, 'former');
    await mkdir(join(out, 'map.ply'), { recursive: true });
    await writeFile(join(out, 'trajectory.tum'), 'former result\n');
    const { code, stderr } = await runCli(['run', wall, '--out', out]);
    assert.equal(code, 1);
    assert.match(stderr, /map\.ply.*There is a folder of that name.*QPVO_OUTPUT/);
    assert.deepEqual((await readdir(out)).sort(), ['map.ply', 'trajectory.tum']);
    assert.equal(await readFile(join(out, 'trajectory.tum'), 'utf8'), 'former result\n');
  });

  it('a disk that is full in the middle: what came before is kept in valid files', async () => {
    const out = join(folder, 'full-later');
    const json = join(out, 'summary.json');
    const args = ['run', wall, '--out', out, '--json', json, '--no-report'];
    const { code, stderr } = await runCli(args, { fileSizeLimitKb: 24 });
    assert.equal(code, 1);
    assert.match(stderr, /odometry\.mcap.*EFBIG.*--out.*QPVO_OUTPUT/);
    const summary = JSON.parse(await readFile(json, 'utf8')) as RunSummary;
    assert.equal(summary.incomplete, true);
    assert.ok(summary.tracked > 0);
    await assertValid(out, summary.tracked, 'report.html');
  });

  it('a summary that cannot be written is an error, and printed all the same', async () => {
    const { code, stdout, stderr } = await runCli([
      'run',
      wall,
      '--end',
      '0.1',
      '--out',
      join(folder, 'json'),
      '--json',
      wall,
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /cannot write .*wall.*QPVO_OUTPUT/);
    assert.match(stdout, /^Summary of /m);
    const both = await runCli(['run', wall, '--start', '1000', '--out', join(folder, 'both'), '--json', wall]);
    assert.equal(both.code, 1);
    assert.match(both.stderr, /no image in the chosen part.*QPVO_SOURCE_EMPTY/);
    assert.match(both.stderr, /cannot write .*wall.*QPVO_OUTPUT/);
  });

  it('no image in the chosen part is an error', async () => {
    const { code, stderr } = await runCli(['run', wall, '--start', '1000', '--out', join(folder, 'empty')]);
    assert.equal(code, 1);
    assert.match(stderr, /no image in the chosen part.*qpvo info.*QPVO_SOURCE_EMPTY/);
  });

  /** A minute of images in real time. The first line of progress comes after 3 s. */
  const longWall = async (name: string): Promise<string> => {
    const long = join(folder, name);
    await mkdir(long);
    await copyFile(join(wall, 'camera.yaml'), join(long, 'camera.yaml'));
    for (let i = 0; i < 1200; i++) await symlink(imagePath(wall, i % IMAGES), imagePath(long, i));
    return long;
  };
  const LIVE = ['--realtime', '--profile', 'cpu_fp32'];
  const PROGRESS = /\d+\/1200 frames/;

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal} ends a run with its files complete and exit code 0`, async () => {
      const out = join(folder, `interrupted-${signal}`);
      let sent = false;
      const { code, stdout, stderr } = await runCli(['run', await longWall(signal), ...LIVE, '--out', out], {
        onStderr: (text, child) => {
          if (!sent && PROGRESS.test(text)) sent = child.kill(signal);
        },
      });
      assert.ok(sent, stderr);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /Ending/);
      assert.match(stdout, /^The run is incomplete/);
      await assertValid(out, undefined);
    });
  }

  it('a second signal ends it at once', async () => {
    const out = join(folder, 'killed');
    let sent = 0;
    const { code, stderr } = await runCli(['run', await longWall('twice'), ...LIVE, '--out', out], {
      onStderr: (text, child) => {
        if (sent === 0 && PROGRESS.test(text)) sent = Number(child.kill('SIGINT')) + Number(child.kill('SIGTERM'));
      },
    });
    assert.equal(sent, 2, stderr);
    assert.equal(code, 130);
  });

  it('--realtime tells how many frames were dropped', async () => {
    const { code, stdout, stderr, summary } = await run(wall, '--realtime', '--profile', 'cpu_fp32');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\d+ dropped/);
    assert.equal(summary.frames, summary.tracked + summary.lost + summary.skipped + summary.dropped!);
  });

  it('an addon that is not built gives advice', async () => {
    const env = { QPVO_ADDON: join(folder, 'none.node') };
    const { code, stderr } = await runCli(['run', wall, '--out', join(folder, 'no-addon')], { env });
    assert.equal(code, 1);
    assert.match(stderr, /addon is not built.*npm run build.*QPVO_ADDON/);
    const doctor = await runCli(['doctor'], { env });
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, /^BROKEN +addon/m);
    assert.match(doctor.stderr, /checks broken: addon/);
  });

  it('doctor finds nothing broken here, and names models and profiles', async () => {
    const { code, stdout, stderr } = await runCli(['doctor', '--json']);
    const checks = JSON.parse(stdout) as { name: string; status: string; detail: string }[];
    assert.equal(code, 0, stderr);
    const names = checks.map(({ name }) => name);
    for (const name of ['node', 'onnxruntime-node', 'addon', 'model small', 'profile cpu_fp32']) {
      assert.ok(names.includes(name), `${name} among ${names.join(', ')}`);
    }
    const profile = (name: string) => checks.find((check) => check.name === `profile ${name}`)!;
    assert.equal(profile('cpu_realtime').status, 'ok');
    assert.match(
      profile('cpu_fp32').detail,
      /^can run: cpu, model small at scale 1, encoders fp32.*auto for recordings/,
    );
    assert.equal(profile('orin_int8').status, 'unavailable');
    assert.match(profile('orin_int8').detail, /^cannot run here: it needs the GPU \(see above\)$/);
  });
});

/** The images of the folder as messages of a camera. */
async function messagesOf(wall: string): Promise<RecordedMessage[]> {
  return Promise.all(
    Array.from({ length: IMAGES }, async (_, i) => {
      const stampNs = 1_000_000_000n + BigInt(i) * 50_000_000n;
      const data = await sharp(imagePath(wall, i)).toColourspace('b-w').raw().toBuffer();
      const image = imageMessage({ stampNs, width: WIDTH, height: HEIGHT, encoding: 'mono8', data });
      return { topic: '/image', type: 'sensor_msgs/Image', logTimeNs: stampNs, data: image };
    }),
  );
}

/** Every file of a run can be read to its end. */
async function assertValid(out: string, poses: number | undefined, without?: 'report.html'): Promise<void> {
  const text = await readFile(join(out, 'trajectory.tum'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) assert.equal(line.split(' ').length, 8, line);
  if (poses !== undefined) assert.equal(lines.length, poses);
  assert.ok(text.endsWith('\n'));
  await assertWholeMcap(join(out, 'odometry.mcap'));
  assert.match(await readFile(join(out, 'map.ply'), 'latin1'), /^ply\n.*end_header\n/s);
  if (without === undefined) assert.match(await readFile(join(out, 'report.html'), 'utf8'), /<\/html>\s*$/);
}

/** A file that was cut short has no index but is whole in itself: it is read from start to end. */
async function assertWholeMcap(path: string): Promise<void> {
  const reader = new McapStreamReader({ decompressHandlers: await loadDecompressHandlers(), validateCrcs: true });
  reader.append(await readFile(path));
  const types = new Set<string>();
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) types.add(record.type);
  assert.ok(reader.done(), 'read to the closing magic');
  for (const type of ['Header', 'DataEnd', 'Footer']) assert.ok(types.has(type), type);
}
