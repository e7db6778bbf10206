// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseBenchmarks, listBenchmarks, runBenchmark } from '../../../src/cli/benchmarks.ts';

describe('benchmarks', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-bench-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('refuse a folder without any', async () => {
    await assert.rejects(listBenchmarks(folder), { code: 'QPVO_NOT_FOUND', message: /no benchmarks.*checkout/ });
    await assert.rejects(listBenchmarks(join(folder, 'none')), { code: 'QPVO_NOT_FOUND' });
  });

  it('are found by their file names, told by their second line, chosen by name, and run with their arguments', async () => {
    const text = (code: string) =>
      `// SPDX-License-Identifier: MIT\n// Milliseconds of nothing.\nimport { writeFileSync } from 'node:fs';\n${code}\n`;
    await writeFile(join(folder, 'speed.bench.ts'), text("writeFileSync(process.argv[2] as string, 'ran');"));
    await writeFile(join(folder, 'memory.bench.ts'), text('process.exitCode = 3;'));
    await writeFile(join(folder, 'shared.ts'), '');
    const benchmarks = await listBenchmarks(folder);
    assert.deepEqual(
      benchmarks.map(({ name, text: about }) => [name, about]),
      [
        ['memory', 'Milliseconds of nothing.'],
        ['speed', 'Milliseconds of nothing.'],
      ],
    );
    assert.equal(chooseBenchmarks('all', benchmarks).length, 2);
    const [speed] = chooseBenchmarks('speed', benchmarks);
    assert.equal(await runBenchmark(speed!.file, [join(folder, 'proof')]), 0);
    assert.equal(await readFile(join(folder, 'proof'), 'utf8'), 'ran');
    assert.equal(await runBenchmark(chooseBenchmarks('memory', benchmarks)[0]!.file, []), 3);
    assert.throws(() => chooseBenchmarks('sped', benchmarks), {
      code: 'QPVO_USAGE',
      message: /unknown benchmark "sped": expected all, memory, speed.*Did you mean speed\?/,
    });
  });
});
