// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorrtState } from '../../src/cli/doctor/tensorrtCheck.ts';
import { gpuOffer } from '../../src/config/gpuOffer.ts';
import { PRECISIONS } from '../../src/config/Profile.ts';
import { gpuProbe } from '../../src/native/gpuProbe.ts';
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import { findModelFolder } from '../../src/network/modelFolder.ts';
import { readSafetensors } from '../../src/network/weights/safetensors.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import { openEngines } from '../../src/tensorrt/openEngines.ts';
import { modulePath } from '../../src/tensorrt/places.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const MINUTES = 30;
/** Both networks, in each precision. */
const ROWS = 2 * PRECISIONS.length;

// Never run so far: no machine with TensorRT was at hand.
describe('golden tensors of the model small, by engines of TensorRT', function () {
  this.timeout(MINUTES * 60_000);
  const folder = temporaryFolder();
  const engines = join(folder, 'plans');
  const model = findModelFolder('small');

  before(async function () {
    const gpu = gpuOffer(gpuProbe(), '').obstacle;
    const tensorrt = await tensorrtState();
    const without = gpu === '' ? ('obstacle' in tensorrt ? tensorrt.obstacle : '') : gpu;
    if (without === '') return;
    console.log(`      skipped: no engine was built or run, which needs a GPU and TensorRT: ${without}`);
    this.skip();
  });

  it('builds engines of both networks in every precision', async () => {
    const manifest = readManifest(model);
    const golden = readSafetensors(Buffer.from(readModelFile(model, manifest, 'golden')), 'golden');
    const [, , height, width] = golden.get('image')!.shape as [number, number, number, number];
    // Two source frames, each seen in both.
    const shape = { width, height, patches: golden.get('cells')!.shape[1]!, sources: 2, targets: 2 };
    for (const precision of PRECISIONS) {
      const forms = { encoder: precision, update: precision };
      const request = { modelDir: model, manifest, precision: forms, shape, build: true };
      const { plans, built } = await openEngines({ ...request, folder: join(folder, 'cache') });
      assert.deepEqual(built, ['features', 'context', 'update']);
      mkdirSync(join(engines, precision), { recursive: true });
      for (const [graph, plan] of Object.entries(plans)) writeFileSync(join(engines, precision, `${graph}.plan`), plan);
    }
  });

  it('their results are those of the training code', () => {
    const args = ['check', '--only', 'by TensorRT', '--golden', model, '--engines', engines, '--module', modulePath()];
    const { status, stdout, stderr } = spawnSync(checkProgram(), args, { encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, new RegExp(`^${ROWS} passed, 0 failed, 0 skipped`, 'm'), stdout);
  });
});

/** qpvo_gpu_bench of the build that made the addon, or the finished one that QPVO_GPU_PROGRAM names. */
function checkProgram(): string {
  const { QPVO_GPU_PROGRAM: finished } = process.env;
  if (finished !== undefined) return finished;
  const build = join(packageRoot(), 'build');
  const args = ['--build', build, '--target', 'qpvo_gpu_bench', '--parallel'];
  const { status, stdout, stderr } = spawnSync('cmake', args, { encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  return join(build, 'native', 'gpu', 'qpvo_gpu_bench');
}
