// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { probeIn } from '../../src/native/gpuProbe.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import { cmakeBuild } from '../fixtures/cmakeBuild.ts';

/** Jetson Orin and Hopper, in machine code alone. */
const ARCHITECTURES = '87-real;90-real';
const OLDEST = [12, 2] as const;
/** For compiling what is new: every kernel the first time, which may take several runs of the tests. Far longer than all other tests, so it has to be asked for. */
const MINUTES = Number(process.env.QPVO_NVCC_MINUTES ?? 0);

/** Major and minor version of the nvcc on PATH; undefined without one. */
function nvccVersion(): readonly [number, number] | undefined {
  const { stdout } = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
  const found = /release (\d+)\.(\d+)/.exec(stdout ?? '');
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

/** Loads an addon and says what it offers and what it found, in a process of its own. */
const PROGRAM = `
const addon = require(process.argv[1]);
process.stdout.write(JSON.stringify({ pipeline: typeof addon.CudaPipeline, probe: typeof addon.probeGpu, ops: typeof addon.CpuOps }));
`;

// The CUDA code for GPUs that need not be here, with warnings as errors, and the addon made of it where there is no driver.
describe('CUDA code by nvcc', function () {
  this.timeout((MINUTES + 5) * 60_000);
  const folder = join(packageRoot(), 'build', 'cuda');
  const addon = join(folder, 'Release', 'qpvo.node');
  let isBuilt = false;

  before(function () {
    if (MINUTES === 0) {
      console.log('      skipped: compiling every kernel takes long; ask for it with QPVO_NVCC_MINUTES=40');
      this.skip();
    }
    const version = nvccVersion();
    if (version !== undefined && (version[0] > OLDEST[0] || (version[0] === OLDEST[0] && version[1] >= OLDEST[1])))
      return;
    console.log(
      `      skipped: needs nvcc of CUDA ${OLDEST.join('.')} or newer on PATH, found ${version?.join('.') ?? 'none'}`,
    );
    this.skip();
  });

  it(`every file compiles for compute capabilities ${ARCHITECTURES} without a warning`, async function () {
    const options = ['--CDQPVO_CUDA=ON', '--CDQPVO_STRICT=ON', `--CDQPVO_CUDA_ARCHITECTURES=${ARCHITECTURES}`];
    isBuilt = await cmakeBuild(folder, options, ['qpvo', 'qpvo_gpu_bench'], MINUTES * 60_000);
    if (isBuilt) return;
    console.log(
      `      skipped: not all was compiled in ${MINUTES} minutes (QPVO_NVCC_MINUTES); the next run goes on in build/cuda`,
    );
    this.skip();
  });

  it('the addon loads without a driver, and says that there is none', function () {
    if (!isBuilt) {
      console.log('      skipped: the addon was not built');
      this.skip();
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', PROGRAM, addon], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { pipeline: 'function', probe: 'function', ops: 'function' });
    const probe = probeIn(process.execPath, [
      '-e',
      `process.stdout.write('\\nqpvo-gpu ' + JSON.stringify(require(process.argv[1]).probeGpu()))`,
      addon,
    ]);
    assert.ok('report' in probe, JSON.stringify(probe));
    const { runtimeVersion, devices, fault } = probe.report;
    assert.ok(runtimeVersion >= 12_020);
    if (existsSync('/dev/nvidiactl')) return;
    assert.deepEqual(devices, []);
    assert.match(fault, /driver/);
  });
});
