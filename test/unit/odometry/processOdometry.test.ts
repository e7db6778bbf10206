// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { PatchOdometry } from '../../../src/odometry/PatchOdometry.ts';
import { ProcessOdometry, type ProcessOptions } from '../../../src/odometry/process/ProcessOdometry.ts';
import type { TrackResult } from '../../../src/odometry/types.ts';
import { packageRoot } from '../../../src/packageRoot.ts';
import { smallOptions, trackSideways } from '../../fixtures/smallOdometry.ts';
import { temporaryFolder } from '../../fixtures/temporaryFolder.ts';

const IMAGES = 7;
const LIMITS = { openMs: 30_000, callMs: 20_000, closeMs: 3000 };

describe('odometry in a process of its own', function () {
  this.timeout(60_000);
  const inFolder = temporaryFolder();
  const opened: ProcessOdometry[] = [];

  afterEach(async () => {
    for (const odometry of opened.splice(0)) await odometry.close();
  });

  async function open(settings: ProcessOptions = {}): Promise<ProcessOdometry> {
    const odometry = await ProcessOdometry.open(smallOptions('cpu', 'fp32'), { limits: LIMITS, ...settings });
    opened.push(odometry);
    return odometry;
  }

  /** A program that answers its first request, and then does this with every other. */
  async function program(withOthers: string): Promise<URL> {
    const file = inFolder('program.mjs');
    const text = `let asked = 0;
      process.on('message', ({ id }) => {
        if (asked++ === 0) process.send({ id, residentBytes: 1, value: undefined });
        else { ${withOthers} }
      });`;
    await writeFile(file, text);
    return pathToFileURL(file);
  }

  const facts = ({ stagesMs: _, latencyMs: __, ...rest }: TrackResult) => rest;

  it('gives the bits of an odometry in this process: poses, what is drawn, what a restart ends', async () => {
    const [here, there] = [await PatchOdometry.create(smallOptions('cpu', 'fp32')), await open()];
    try {
      for (let i = 0; i < IMAGES; i++)
        assert.deepEqual(facts(await trackSideways(there, i)), facts(await trackSideways(here, i)));
      const view = await there.view();
      assert.ok(view !== undefined && view.tracks.length > 0);
      assert.deepEqual(view, here.view());
      const end = await there.restart();
      assert.ok(end.finalPoses.length > 0);
      assert.deepEqual(end, await here.restart());
      assert.ok(there.residentBytes > 1e7);
    } finally {
      await here.close();
    }
  });

  it('takes calls before the last one is done, and an image that is changed after the call', async () => {
    const odometry = await open();
    const [first, view, second] = [trackSideways(odometry, 0), odometry.view(), trackSideways(odometry, 1)];
    assert.deepEqual([(await first).sequence, (await second).sequence], [0, 1]);
    const gray = (await view)!.gray;
    const again = await open();
    const pixels = Uint8Array.from({ length: 256 * 192 }, (_, i) => i % 251);
    const frame = { stampNs: 0n, width: 256, height: 192, encoding: 'mono8', step: 256, isBigEndian: false } as const;
    const tracked = again.track({ ...frame, data: pixels.subarray() });
    pixels.fill(0);
    await tracked;
    assert.ok((await again.view())!.gray.some((value) => value > 0));
    assert.equal(gray.length, (await again.view())!.gray.length);
  });

  it('errors keep their code and their text', async () => {
    const options = { ...smallOptions('cpu', 'fp32'), modelDir: '/no/such/model' };
    const here = await PatchOdometry.create(options).catch((error: unknown) => error as Error & { code: string });
    assert.ok(here instanceof Error);
    await assert.rejects(ProcessOdometry.open(options), { code: here.code, message: here.message });
  });

  it('a process that crashes is a lost device, again and again; another one goes on', async () => {
    const odometry = await open({ program: await program("process.kill(process.pid, 'SIGSEGV')") });
    const message = /the process of the odometry ended with SIGSEGV.*dmesg/;
    await assert.rejects(trackSideways(odometry, 0), { code: 'QPVO_DEVICE_LOST', message });
    await assert.rejects(odometry.view(), { code: 'QPVO_DEVICE_LOST', message });
    await odometry.close();
    await assert.rejects(trackSideways(odometry, 1), { code: 'QPVO_DEVICE_LOST' });
    assert.equal((await trackSideways(await open(), 0)).sequence, 0);
  });

  it('a process that hangs is ended, and all who wait for it are told', async () => {
    const hanging = await program('while (true);');
    const odometry = await open({ program: hanging, limits: { ...LIMITS, openMs: 300, callMs: 300 } });
    const calls = [trackSideways(odometry, 0), odometry.view(), odometry.restart()];
    const told = { code: 'QPVO_DEVICE_LOST', message: /no answer within 0\.3 s/ };
    await Promise.all(calls.map((call) => assert.rejects(call, told)));
    await odometry.close();
    assert.deepEqual(childrenNow(), []);
  });

  it('closing ends also a process that hangs, and only then resolves; afterwards it is closed', async () => {
    const hanging = await program('while (true);');
    const odometry = await open({ program: hanging, limits: { ...LIMITS, closeMs: 300 } });
    assert.equal(childrenNow().length, 1);
    await Promise.all([odometry.close(), odometry.close()]);
    assert.deepEqual(childrenNow(), []);
    await assert.rejects(trackSideways(odometry, 0), { code: 'QPVO_CLOSED' });
    const whole = await open();
    await whole.close();
    await assert.rejects(trackSideways(whole, 0), { code: 'QPVO_CLOSED' });
    assert.deepEqual(childrenNow(), []);
  });

  it('a process that ends before it is asked is told, and leaves nothing behind', async () => {
    const file = inFolder('program.mjs');
    await writeFile(file, 'process.exit(3);');
    const settings = { program: pathToFileURL(file), limits: LIMITS };
    await assert.rejects(ProcessOdometry.open(smallOptions('cpu', 'fp32'), settings), {
      code: 'QPVO_DEVICE_LOST',
      message: /ended with exit code 3/,
    });
    assert.deepEqual(childrenNow(), []);
  });

  /** A process of its own group that makes an odometry by this program. `before` runs first, `after` with the odometry. */
  function parentOf(before: string, after: string): ChildProcess {
    const source = join(packageRoot(), 'src', 'odometry', 'process', 'ProcessOdometry.ts');
    const text = `
      const { ProcessOdometry } = await import(${JSON.stringify(source)});
      const options = ${JSON.stringify(smallOptions('cpu', 'fp32'))};
      ${before}
      const odometry = await ProcessOdometry.open(options, settings);
      ${after}
      console.log('ready');`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', text];
    // So few descriptors that they can be used up.
    const command = ['-c', 'ulimit -n 256; exec "$0" "$@"', process.execPath, ...args];
    return spawn('sh', command, { cwd: packageRoot(), stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  }

  const said = (parent: ChildProcess): Promise<string> =>
    new Promise((resolve) => {
      parent.stdout!.once('data', (text) => resolve(String(text).trim()));
      parent.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
    });

  async function isGone(pid: number): Promise<boolean> {
    for (let i = 0; i < 100 && isThere(pid); i++) await sleep(100);
    return !isThere(pid);
  }

  it('ends with the process that asked, however that ends; a terminal cannot end it alone', async () => {
    const parent = parentOf('const settings = {};', '');
    assert.equal(await said(parent), 'ready');
    const [child] = childrenOf(parent.pid!);
    assert.ok(child !== undefined);
    process.kill(child, 'SIGINT');
    process.kill(child, 'SIGTERM');
    await sleep(300);
    assert.deepEqual(childrenOf(parent.pid!), [child]);
    parent.kill('SIGKILL');
    assert.ok(await isGone(child));
  });

  it('ends with the process that asked also while it hangs', async () => {
    const program = join(packageRoot(), 'test', 'fixtures', 'hangOnImage.mjs');
    const frame =
      "{ stampNs: 0n, width: 256, height: 192, encoding: 'mono8', step: 256, data: new Uint8Array(256 * 192) }";
    const parent = parentOf(
      `const settings = { program: new URL(${JSON.stringify(pathToFileURL(program).href)}) };`,
      `odometry.track(${frame}); await new Promise((resolve) => setTimeout(resolve, 500));`,
    );
    assert.equal(await said(parent), 'ready');
    const [child] = childrenOf(parent.pid!);
    parent.kill('SIGKILL');
    assert.ok(await isGone(child!));
  });

  it('a process that cannot be started is told, and takes nobody with it', async () => {
    // As in the node: from a microtask, where the failure has not been told yet.
    const parent = parentOf(
      `const settings = {};
      const { openSync } = await import('node:fs');
      try {
        for (;;) openSync('/dev/null');
      } catch {}
      await Promise.resolve();
      const failure = await ProcessOdometry.open(options).catch((error) => error);
      console.log(failure.code, /could not be started.*EMFILE/.test(failure.message));
      await new Promise(() => setInterval(() => undefined, 1000));`,
      '',
    );
    assert.equal(await said(parent), 'QPVO_DEVICE_LOST true');
    assert.equal(parent.exitCode, null);
    parent.kill('SIGKILL');
  });
});

/** Children of this process that run a program of an odometry. */
function childrenNow(): number[] {
  return childrenOf(process.pid).filter((pid) => /program\w*\./.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isChild(name, parent))
    .map(Number);
}

function isChild(pid: string, parent: number): boolean {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (
      Number(fields[1]) === parent &&
      fields[0] !== 'Z' &&
      !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('esbuild')
    );
  } catch {
    return false;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
