// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/packageRoot.ts';
import { temporaryFolder } from '../conformance/temporaryFolder.ts';

/** GPUs from 8.0 on that a CUDA of this major number knows; those of Jetsons are none of an x86-64 machine, and run no other's machine code. */
const JETSONS = [87, 88, 110];
const GPUS = { 12: [80, 86, 87, 89, 90, 100, 103, 120, 121], 13: [80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121] };
/** What `nvcc --list-gpu-arch` of CUDA 12.6 ends with. */
const KNOWN_12_6 = [75, 80, 86, 87, 89, 90];

const PROJECT = `cmake_minimum_required(VERSION 3.22)
project(choose LANGUAGES NONE)
set(CMAKE_SYSTEM_PROCESSOR \${PROCESSOR})
set(CMAKE_CROSSCOMPILING ON) # A Jetson that runs this is not asked for its own.
include("${join(packageRoot(), 'native', 'architectures.cmake')}")
qpvo_choose_architectures(nvcc-double \${CUDA_VERSION} chosen)
qpvo_architecture_codes("\${chosen}" codes)
message(STATUS "chosen=\${chosen}")
message(STATUS "codes=\${codes}")
`;

describe('native/architectures.cmake', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder, ...names);
  const double = (name: string, ...lines: readonly string[]) =>
    writeFileSync(at('bin', name), `#!/bin/sh\nprintf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}\n`, {
      mode: 0o755,
    });

  before(() => {
    mkdirSync(at('bin'));
    writeFileSync(at('CMakeLists.txt'), PROJECT);
    double('nvcc-double', ...KNOWN_12_6.map((number) => `compute_${number}`));
  });

  function choose(options: Record<string, string>) {
    rmSync(at('build'), { recursive: true, force: true });
    const set = Object.entries({ PROCESSOR: 'x86_64', CUDA_VERSION: '12.6', QPVO_CUDA: 'ON', ...options });
    const { stdout, stderr } = spawnSync(
      'cmake',
      ['-S', folder, '-B', at('build'), ...set.map(([name, value]) => `-D${name}=${value}`)],
      { encoding: 'utf8', env: { ...process.env, PATH: `${at('bin')}:${process.env.PATH}` } },
    );
    const value = (name: string) => new RegExp(`^-- ${name}=(.*)$`, 'm').exec(stdout)?.[1];
    return { chosen: value('chosen')!, codes: value('codes')!, stdout, stderr };
  }

  /** As the driver takes them: machine code of the same major number, no newer minor one; else PTX that is no newer. */
  function isServed(gpu: number, architectures: readonly string[]): boolean {
    const sameMajor = (number: number) => Math.trunc(number / 10) === Math.trunc(gpu / 10) && number <= gpu;
    return architectures.some((architecture) => {
      const number = Number.parseInt(architecture, 10);
      const runsCode = JETSONS.includes(gpu) || JETSONS.includes(number) ? number === gpu : sameMajor(number);
      return (!architecture.endsWith('-virtual') && runsCode) || (!architecture.endsWith('-real') && number <= gpu);
    });
  }

  for (const processor of ['x86_64', 'aarch64']) {
    for (const [major, gpus] of Object.entries(GPUS)) {
      it(`CUDA ${major} on ${processor}: something for every GPU from 8.0 on, machine code for the common ones`, () => {
        const { chosen } = choose({ PROCESSOR: processor, CUDA_VERSION: `${major}.6` });
        const architectures = chosen.split(';');
        assert.deepEqual(
          gpus.filter((gpu) => !isServed(gpu, architectures)),
          [],
        );
        const code = architectures.map((architecture) => Number.parseInt(architecture, 10));
        const common = [80, processor === 'aarch64' ? 87 : 89, 90, ...(major === '13' ? [120] : [])];
        assert.deepEqual(
          common.filter((gpu) => !code.includes(gpu)),
          [],
        );
      });
    }
  }

  it('with QPVO_CUDA=AUTO the GPUs of this machine, without those that are too old', () => {
    double('nvidia-smi', '8.9', '7.5', '8.9', '9.0');
    assert.equal(choose({ QPVO_CUDA: 'AUTO' }).chosen, '89-real;90-real');
    double('nvidia-smi', '7.5');
    assert.equal(choose({ QPVO_CUDA: 'AUTO' }).chosen, '');
  });

  it('PTX of the newest that nvcc knows for a GPU that is newer, and says so', () => {
    double('nvidia-smi', '12.0', '8.6', '12.1');
    const { chosen, stdout } = choose({ QPVO_CUDA: 'AUTO' });
    assert.equal(chosen, '90-virtual;86-real');
    assert.match(stdout, /qpvo: this nvcc is older than the GPU of compute capability 120: .* PTX of 90/);
  });

  it('what is asked for comes before all', () => {
    double('nvidia-smi', '8.9');
    assert.equal(choose({ QPVO_CUDA: 'AUTO', QPVO_CUDA_ARCHITECTURES: '87;90-virtual' }).chosen, '87;90-virtual');
  });

  it('nvcc is asked for what CMake will ask it for', () => {
    const { codes } = choose({ QPVO_CUDA_ARCHITECTURES: '80;87-real;90-virtual' });
    assert.deepEqual(codes.split(';-gencode;'), [
      '-gencode;arch=compute_80,code=[sm_80,compute_80]',
      'arch=compute_87,code=sm_87',
      'arch=compute_90,code=compute_90',
    ]);
  });

  it('the nvcc that is here compiles for the usual ones', function () {
    const { stdout } = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
    const version = /release (\d+\.\d+)/.exec(stdout ?? '')?.[1];
    if (version === undefined) {
      console.log('      skipped: no nvcc on PATH');
      this.skip();
    }
    const known = spawnSync('nvcc', ['--list-gpu-code'], { encoding: 'utf8' }).stdout.split('\n');
    for (const processor of ['x86_64', 'aarch64']) {
      const { chosen } = choose({ PROCESSOR: processor, CUDA_VERSION: version });
      for (const architecture of chosen.split(';'))
        assert.ok(known.includes(`sm_${Number.parseInt(architecture, 10)}`));
    }
  });
});
