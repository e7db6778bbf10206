// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/packageRoot.ts';
import { temporaryFolder } from '../conformance/temporaryFolder.ts';

const ROOT = packageRoot();
const GPU_FILES = ['/dev/nvidia0', '/dev/nvidiactl', '/dev/nvgpu', '/dev/nvhost-gpu', '/dev/dxg'];

/** What native/cuda.cmake does before it enables the language, without looking for compilers. */
const PROJECT = `cmake_minimum_required(VERSION 3.22)
project(cuda LANGUAGES NONE)
set(CMAKE_CXX_COMPILER the-c++)
include("${join(ROOT, 'native', 'cuda.cmake')}")
message(STATUS "CUDA: \${QPVO_HAS_CUDA}")
`;

describe('native/cuda.cmake', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder, ...names);

  /** An nvcc of this version that compiles nothing and says what it was to do. */
  function double(version: string, ...place: string[]): void {
    mkdirSync(at(...place), { recursive: true });
    const body = `case $1 in --version) echo "tools, release ${version}, V${version}.85" ;; --list-gpu-arch) echo compute_90 ;; *) echo "asked: $*"; exit 1 ;; esac`;
    writeFileSync(at(...place, 'nvcc'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  before(() => {
    writeFileSync(at('CMakeLists.txt'), PROJECT);
    double('12.3', 'own');
    double('12.4', 'path', 'bin');
    double('12.5', 'home', 'bin');
    double('12.6', 'PATH');
    double('12.1', 'old');
    writeFileSync(at('PATH', 'host-c++'), '#!/bin/sh\n', { mode: 0o755 });
  });

  /** Only these variables, and the doubles on PATH. */
  const environment = (variables: Record<string, string>): NodeJS.ProcessEnv => {
    const { CUDACXX, CUDA_PATH, CUDA_HOME, CUDAHOSTCXX, ...others } = process.env;
    return { ...others, PATH: `${at('PATH')}:${process.env.PATH}`, ...variables };
  };

  function configure(source: string, options: readonly string[], variables: Record<string, string> = {}) {
    rmSync(at('build'), { recursive: true, force: true });
    const { status, stdout, stderr } = spawnSync('cmake', ['-S', source, '-B', at('build'), ...options], {
      encoding: 'utf8',
      env: environment(variables),
    });
    return { status, said: `${stdout}${stderr}`.replace(/\s+/g, ' ') };
  }

  /** What scripts/setup/gpuTools.mjs, which decides whether to build anew, takes for the version of CUDA. */
  function stamped(variables: Record<string, string>): string | undefined {
    const tools = join(ROOT, 'scripts', 'setup', 'gpuTools.mjs');
    const program = `import(process.argv[1]).then(({ gpuTools }) => console.log(gpuTools()))`;
    const { stdout } = spawnSync(process.execPath, ['-e', program, tools], {
      encoding: 'utf8',
      env: environment(variables),
    });
    return / CUDA (\S+)/.exec(stdout)?.[1];
  }

  const own = { CUDACXX: '@/own/nvcc' };
  const path = { CUDA_PATH: '@/path' };
  const home = { CUDA_HOME: '@/home' };
  for (const [version, given] of [
    ['12.3', { ...own, ...path, ...home }],
    ['12.4', { ...path, ...home }],
    ['12.5', home],
    ['12.6', {}],
    ['12.6', { CUDACXX: 'nvcc', ...path }],
  ] as const) {
    it(`${Object.keys(given).join(', ') || 'PATH'}: takes nvcc ${version}, as the stamp of the build does`, () => {
      const variables = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, value.replace('@', folder)]),
      );
      const { said } = configure(folder, ['-DQPVO_CUDA=ON'], variables);
      assert.ok(said.includes(`nvcc ${version} cannot compile`), said);
      assert.equal(stamped(variables), version);
    });
  }

  it('takes no other nvcc than the one that CUDACXX names', () => {
    const variables = { CUDACXX: at('absent'), CUDA_PATH: at('path') };
    const { said } = configure(folder, ['-DQPVO_CUDA=ON'], variables);
    assert.ok(said.includes(`QPVO_CUDA=ON, but there is no ${at('absent')}, which CUDACXX names`), said);
    assert.equal(stamped(variables), 'none');
  });

  it('checks nvcc with CUDAHOSTCXX, else with the C++ compiler', () => {
    const host = (variables: Record<string, string>) =>
      / -ccbin (\S+) /.exec(configure(folder, ['-DQPVO_CUDA=ON'], variables).said)?.[1];
    assert.equal(host({}), 'the-c++');
    assert.equal(host({ CUDAHOSTCXX: 'host-c++' }), at('PATH', 'host-c++'));
    assert.equal(host({ CUDAHOSTCXX: 'absent-c++' }), 'absent-c++');
  });

  it('compiles with the compiler that it was checked with', function () {
    const { stdout } = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
    if (Number(/release (\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? 0) < 12.2) {
      console.log('      skipped: no nvcc of CUDA 12.2 or newer on PATH');
      this.skip();
    }
    writeFileSync(at('wrapped-c++'), '#!/bin/sh\nexec c++ "$@"\n', { mode: 0o755 });
    const options = ['-DQPVO_CUDA=ON', '-DQPVO_CUDA_ARCHITECTURES=80-real', '-DQPVO_GPU_BENCH=ON'];
    const { status, said } = configure(ROOT, [...options, '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON'], {
      PATH: process.env.PATH!,
      CXX: at('wrapped-c++'),
    });
    assert.equal(status, 0, said);
    const commands = JSON.parse(readFileSync(at('build', 'compile_commands.json'), 'utf8')) as Record<string, string>[];
    const kernels = commands.filter(({ file }) => file!.endsWith('.cu'));
    assert.ok(kernels.length > 0);
    for (const { command } of kernels) assert.ok(command!.includes(`-ccbin=${at('wrapped-c++')}`), command);
  });

  it('without what CUDA takes the addon goes on, and the GPU program is an error that says what is missing', () => {
    const old = { CUDACXX: at('old', 'nvcc') };
    const missing = `${old.CUDACXX} is of version 12.1, and 12.2 or newer is needed`;
    const addon = configure(folder, [], old);
    assert.equal(addon.status, 0);
    assert.ok(addon.said.includes(`qpvo: without CUDA, because ${missing} -- CUDA: OFF`), addon.said);
    for (const [cuda, reason] of [
      ['AUTO', missing],
      ['ON', missing],
      ['OFF', 'QPVO_CUDA=OFF'],
    ] as const) {
      const { status, said } = configure(folder, ['-DQPVO_GPU_BENCH=ON', `-DQPVO_CUDA=${cuda}`], old);
      assert.equal(status, 1);
      assert.ok(said.includes(`qpvo: QPVO_GPU_BENCH=ON, but ${reason}`), said);
    }
  });

  it('without a GPU the program has to be asked for with QPVO_CUDA=ON', function () {
    if (GPU_FILES.some((file) => existsSync(file))) {
      console.log('      skipped: there is a GPU');
      this.skip();
    }
    const { status, said } = configure(folder, ['-DQPVO_GPU_BENCH=ON']);
    assert.equal(status, 1);
    assert.match(said, /QPVO_GPU_BENCH=ON, but this machine has no NVIDIA GPU; QPVO_CUDA=ON builds for others/);
    assert.match(configure(folder, ['-DQPVO_GPU_BENCH=ON', '-DQPVO_CUDA=ON']).said, /nvcc 12\.6 cannot compile/);
  });

  it('the emulated program needs no CUDA', () => {
    const options = ['-DQPVO_GPU_BENCH=ON', '-DQPVO_EMULATION=ON', '-DQPVO_CUDA=OFF'];
    const { status, said } = configure(ROOT, options);
    assert.equal(status, 0, said);
    const { stdout } = spawnSync('cmake', ['--build', at('build'), '--target', 'help'], { encoding: 'utf8' });
    assert.match(stdout, /qpvo_gpu_emulated/);
  });
});
