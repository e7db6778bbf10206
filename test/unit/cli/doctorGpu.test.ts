// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { driverVersionText } from '../../../src/cli/doctor/driverVersion.ts';
import { compilerCheck } from '../../../src/cli/doctor/gpuChecks.ts';
import { checkProfile } from '../../../src/cli/doctor/modelChecks.ts';
import { tensorrtCheck, tensorrtState } from '../../../src/cli/doctor/tensorrtCheck.ts';
import { gpuOffer } from '../../../src/config/gpuOffer.ts';
import { type Machine, thisMachine } from '../../../src/config/profileObstacle.ts';
import type { GpuReport } from '../../../src/native/addon.ts';
import { packageRoot } from '../../../src/packageRoot.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';

const { gpuTools } = (await import(join(packageRoot(), 'scripts/setup/gpuTools.mjs'))) as { gpuTools: () => string };

const REPORT: GpuReport = {
  runtimeVersion: 13000,
  driverVersion: 13020,
  devices: [{ name: 'Orin', computeCapability: 87, totalMb: 8000, freeMb: 5000, integrated: true }],
  fault: '',
};
const TENSORRT = { tensorrt: '10.3.0.26', cuda: 12060, device: 'Orin', computeCapability: '8.7', dlaCores: 0 };

/** A program that prints this and ends so. */
function script(path: string, says: string, code = 0): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${says}' ${code === 0 ? '' : '>&2'}\nexit ${code}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What the work gives under these variables, which are as before afterwards. */
async function under<Result>(variables: NodeJS.ProcessEnv, work: () => Result): Promise<Awaited<Result>> {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

describe('doctor on drivers and compilers', () => {
  const folder = temporaryFolder();

  for (const [what, driver, jetson, text] of [
    [
      'a PC',
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version:  gcc version 12.3.0\n',
      '',
      '535.183.01',
    ],
    [
      'open kernel modules',
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U22)  Thu Jan 23 22:50:36 UTC 2025\n',
      '',
      '570.86.15',
    ],
    [
      'a Jetson',
      'NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build  (buildbrain@mobile)  Tue Jan  7 17:35:12 PST 2025\n',
      '# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n',
      '540.4.0, Jetson Linux 36.4.3',
    ],
    ['an older Jetson', '', '# R35 (release), REVISION: 5.0, GCID: 1, BOARD: t186ref\n', 'Jetson Linux 35.5.0'],
    ['a machine without', '', '', ''],
    ['something else', 'hello', 'hello', ''],
  ] as const) {
    it(`reads the version of the driver of ${what}`, () => assert.equal(driverVersionText(driver, jetson), text));
  }

  it('finds the nvcc that the build finds', async () => {
    const says = (version: string) => `Cuda compilation tools, release ${version}, V${version}.1`;
    const compilers = {
      CUDACXX: script(join(folder, 'own-nvcc'), says('91.1')),
      CUDA_PATH: dirname(dirname(script(join(folder, 'path', 'bin', 'nvcc'), says('91.2')))),
      CUDA_HOME: dirname(dirname(script(join(folder, 'home', 'bin', 'nvcc'), says('91.3')))),
      PATH: `${dirname(script(join(folder, 'bin', 'nvcc'), says('91.4')))}:${process.env.PATH}`,
    };
    const none = { CUDACXX: undefined, CUDA_PATH: undefined, CUDA_HOME: undefined };
    const { CUDA_PATH, CUDA_HOME, PATH } = compilers;
    for (const [variables, version] of [
      [compilers, '91.1'],
      [{ ...none, CUDA_PATH, CUDA_HOME, PATH }, '91.2'],
      [{ ...none, CUDA_HOME }, '91.3'],
      [{ ...none, PATH }, '91.4'],
      [{ ...none, CUDACXX: '', CUDA_PATH: join(folder, 'nowhere'), PATH }, '91.4'],
    ] as const) {
      const [found, built] = await under(variables, () => [compilerCheck(), gpuTools()] as const);
      assert.match(found.detail, new RegExp(`^CUDA ${version}`));
      assert.match(built, new RegExp(`CUDA ${version} `));
    }
    const absent = { ...none, CUDACXX: join(folder, 'nowhere') };
    assert.equal((await under(absent, compilerCheck)).status, 'unavailable');
    assert.match(await under(absent, gpuTools), /CUDA none/);
  });
});

describe('doctor on TensorRT', () => {
  const folder = temporaryFolder();
  const machine = (withoutTensorrt: string): Machine => ({
    ...thisMachine(),
    gpu: () => gpuOffer({ report: REPORT }, withoutTensorrt),
  });

  it('asks the library, not only whether its module is there: then no profile with TensorRT can run', async () => {
    const module = join(folder, 'module.so');
    writeFileSync(module, '');
    const builder = script(
      join(folder, 'builder'),
      'qpvo_engine: error while loading shared libraries: libnvinfer.so.10: cannot open shared object file',
      127,
    );
    const state = await under({ QPVO_TENSORRT_MODULE: module, QPVO_ENGINE_BUILDER: builder }, tensorrtState);
    const check = tensorrtCheck(state);
    assert.equal(check.status, 'unavailable');
    assert.match(check.detail, /^TensorRT cannot be loaded: expected libnvinfer\.so\.10/);
    const { status, detail } = await checkProfile('orin_int8_tensorrt', machine(check.detail), state);
    assert.deepEqual([status, detail], ['unavailable', 'cannot run here: it needs TensorRT (see above)']);
    assert.equal((await checkProfile('orin_fp16', machine(check.detail), state)).status, 'ok');
  });

  it('says that a module was not built', async () => {
    const state = await under({ QPVO_TENSORRT_MODULE: join(folder, 'absent.so') }, tensorrtState);
    assert.match(tensorrtCheck(state).detail, /^qpvo was built without it/);
  });

  it('says of which images a profile has the engines, and how to build others', async () => {
    const state = { report: TENSORRT };
    assert.match(tensorrtCheck(state).detail, /^10\.3\.0\.26, 0 DLA cores; .*has not yet been run with it$/);
    const { status, detail } = await under({ QPVO_ENGINES: join(folder, 'none') }, () =>
      checkProfile('orin_int8_tensorrt', machine(''), state),
    );
    assert.equal(status, 'ok');
    assert.match(
      detail,
      /^can run: .*\(cuda\), but without its engines, which a run needs: qpvo engine build --size 752x480 --profile orin_int8_te/,
    );
  });

  it('says that engines cannot be read, which is no fault of the installation', async () => {
    const file = join(folder, 'no folder');
    writeFileSync(file, '');
    const { status, detail } = await under({ QPVO_ENGINES: file }, () =>
      checkProfile('orin_int8_tensorrt', machine(''), { report: TENSORRT }),
    );
    assert.equal(status, 'unavailable');
    assert.match(detail, /^cannot run here: the engine cache .*no folder cannot be used.*QPVO_ENGINES/);
  });

  it('tells what the GPU lacks once, not of every profile', async () => {
    const without: Machine = { ...thisMachine(), gpu: () => gpuOffer({ obstacle: 'a long story' }, '') };
    const { detail } = await checkProfile('orin_int8', without, { obstacle: 'another' });
    assert.equal(detail, 'cannot run here: it needs the GPU (see above)');
  });
});
