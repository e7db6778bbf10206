// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTrajectory } from '../../src/evaluation/readTrajectory.ts';
import { McapOutput } from '../../src/outputs/McapOutput.ts';
import type { Output } from '../../src/outputs/Output.ts';
import type { OutputContext } from '../../src/outputs/OutputContext.ts';
import { type OpenFile, OutputFile } from '../../src/outputs/OutputFile.ts';
import { PlyOutput } from '../../src/outputs/PlyOutput.ts';
import { ReportOutput } from '../../src/outputs/ReportOutput.ts';
import { TumOutput } from '../../src/outputs/TumOutput.ts';
import { countMessages, readPly } from '../unit/outputs-readBack.ts';
import { syntheticRun } from '../unit/outputs-syntheticRun.ts';

type Create = (path: string, context: OutputContext) => Promise<Output>;

const OUTPUTS: [string, Create][] = [
  ['run.tum', TumOutput.create],
  ['run.mcap', McapOutput.create],
  ['run.ply', PlyOutput.create],
  ['run.html', ReportOutput.create],
];

/** A disk with room for so many bytes: a write that does not fit is taken in part, the next one fails; overwriting takes no room. */
function fullDisk(room: number): OpenFile {
  return async (path) => {
    const file = await open(path, 'w');
    return {
      write: (async (bytes: Uint8Array, offset: number, length: number, at: number) => {
        const fitting = Math.min(length, room - at);
        if (fitting <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        return file.write(bytes, offset, fitting, at);
      }) as Awaited<ReturnType<OpenFile>>['write'],
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  };
}

describe('outputs on a bad disk', () => {
  let folder: string;
  const run = syntheticRun(600);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-disk-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Writes a run until it fails or ends; the errors that came. */
  async function writeAll(create: Create, name: string, context: OutputContext): Promise<Error[]> {
    const errors: Error[] = [];
    const output = await create(join(folder, name), context);
    const keep = (error: Error) => {
      errors.push(error);
    };
    for (const result of run.results) await output.write(result).catch(keep);
    await output.finish(run.end, run.summary).catch(keep);
    return errors;
  }

  const isValid: Record<string, (path: string) => Promise<number>> = {
    'run.tum': async (path) => (await readTrajectory(path)).poses.length,
    'run.mcap': async (path) => (await countMessages(path)).get('/status') ?? 0,
    'run.ply': async (path) => readPly(await readFile(path)).length,
  };

  for (const [name, create] of OUTPUTS.slice(0, 3)) {
    it(`${name}: a full disk is told once, and what fitted is a valid file`, async () => {
      await writeAll(create, name, run.context);
      const whole = (await readFile(join(folder, name))).length;
      for (const share of [0.5, 0.77, 0.999]) {
        const errors = await writeAll(create, name, { ...run.context, openFile: fullDisk(Math.floor(whole * share)) });
        assert.equal(errors.length, 1, `${errors.length} errors at ${share}`);
        const { message } = errors[0]!;
        assert.equal((errors[0] as Error & { code: string }).code, 'QPVO_OUTPUT');
        assert.ok(message.includes(join(folder, name)) && message.includes('ENOSPC'), message);
        assert.match(message, /the first \d+ bytes are kept and valid.*Free some space or choose another folder/);
        const kept = await isValid[name]!(join(folder, name));
        assert.ok(kept > 0, `${kept} items are kept at ${share}`);
      }
    });
  }

  it('run.html: on a full disk the page of the unfinished run stays, and nothing beside it', async () => {
    const errors = await writeAll(ReportOutput.create, 'run.html', { ...run.context, openFile: fullDisk(50_000) });
    assert.equal(errors.length, 1);
    assert.match(errors[0]!.message, /run\.html.*ENOSPC.*Free some space/);
    assert.match(await readFile(join(folder, 'run.html'), 'utf8'), /This run has not ended/);
    await assert.rejects(readFile(join(folder, 'run.html.part')), { code: 'ENOENT' });
  });

  for (const [name, create] of OUTPUTS) {
    it(`${name}: the real full device, a missing folder and a folder in its place`, async function () {
      const cases: [string, RegExp][] = [
        [join(folder, 'missing', name), /cannot be created.*ENOENT.*nothing was written.*Create the folder first/],
        [folder, /cannot be created.*EISDIR.*There is a folder of that name/],
      ];
      for (const [path, message] of cases)
        await assert.rejects(create(path, run.context), { code: 'QPVO_OUTPUT', message });
      if (process.platform !== 'linux') {
        console.log(`      skipped: /dev/full is only on Linux (${name})`);
        this.skip();
      }
      await assert.rejects(create('/dev/full', run.context), { code: 'QPVO_OUTPUT', message: /\/dev\/full.*ENOSPC/ });
    });

    it(`${name}: a folder that may not be written to`, async () => {
      const openFile: OpenFile = async (path) => {
        throw Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES' });
      };
      await assert.rejects(create(join(folder, name), { ...run.context, openFile }), {
        code: 'QPVO_OUTPUT',
        message: /cannot be created.*EACCES.*Choose a folder you may write to/,
      });
    });
  }

  it('a folder without permission', async function () {
    if (process.getuid?.() === 0) {
      console.log('      skipped: root may write everywhere');
      this.skip();
    }
    const locked = join(folder, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    for (const [name, create] of OUTPUTS) {
      await assert.rejects(create(join(locked, name), run.context), {
        code: 'QPVO_OUTPUT',
        message: /EACCES.*may write to/,
      });
    }
  });

  it('an interrupted run leaves a valid report, tum, ply and mcap', async () => {
    const incomplete = { ...run.summary, incomplete: true };
    for (const [name, create] of OUTPUTS) {
      const output = await create(join(folder, name), run.context);
      for (const result of run.results.slice(0, 150)) await output.write(result);
      await output.finish({ finalPoses: [], finalPoints: [] }, incomplete);
    }
    for (const [name, check] of Object.entries(isValid)) assert.ok((await check(join(folder, name))) > 100, name);
    const page = await readFile(join(folder, 'run.html'), 'utf8');
    assert.match(page, /The run was ended early/);
    assert.ok(page.endsWith('</html>\n'));
  });
});

describe('OutputFile', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-file-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('puts the tail back after a failed write', async () => {
    const path = join(folder, 'a');
    const file = await OutputFile.create(path, fullDisk(12));
    await file.append(Buffer.from('12345'));
    await file.markValid(Buffer.from('END'));
    await file.append(Buffer.from('678'));
    await assert.rejects(file.append(Buffer.from('too much for it')), {
      code: 'QPVO_OUTPUT',
      message: /first 5 bytes/,
    });
    assert.equal(await readFile(path, 'utf8'), '12345END');
    assert.equal(file.isOpen, false);
    await file.append(Buffer.from('later calls do nothing'));
    await file.close();
    assert.equal(await readFile(path, 'utf8'), '12345END');
  });

  it('goes on after a write that took only a part', async () => {
    const path = join(folder, 'b');
    const slow: OpenFile = async (name) => {
      const file = await open(name, 'w');
      const write = (bytes: Uint8Array, offset: number, length: number, at: number) =>
        file.write(bytes, offset, Math.min(3, length), at);
      return {
        write: write as Awaited<ReturnType<OpenFile>>['write'],
        truncate: (length) => file.truncate(length),
        close: () => file.close(),
      };
    };
    const file = await OutputFile.create(path, slow);
    await file.append(Buffer.from('0123456789'));
    await file.patch(Buffer.from('abcd'), 2);
    await file.close();
    assert.equal(await readFile(path, 'utf8'), '01abcd6789');
  });

  it('says so when even cutting back fails', async () => {
    const broken: OpenFile = async () => ({
      write: (() => Promise.reject(Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' }))) as Awaited<
        ReturnType<OpenFile>
      >['write'],
      truncate: () => Promise.reject(new Error('EIO')),
      close: () => Promise.reject(new Error('EIO')),
    });
    const file = await OutputFile.create(join(folder, 'c'), broken);
    await assert.rejects(file.append(Buffer.from('x')), {
      code: 'QPVO_OUTPUT',
      message: /EIO.*its end may be damaged.*Check the disk/,
    });
  });
});
