// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { gpuOffer } from '../../src/config/gpuOffer.ts';
import type { Precision } from '../../src/config/Profile.ts';
import type { Addon } from '../../src/native/addon.ts';
import { forgetGpuProbe, gpuProbe } from '../../src/native/gpuProbe.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { ProcessOdometry } from '../../src/odometry/process/ProcessOdometry.ts';
import { BUILD_TIMEOUT_MS, emulatedBuild } from '../fixtures/emulatedBuild.ts';
import {
  distanceOf,
  type SmallRun,
  smallOdometry,
  smallOptions,
  smallRun,
  trackSideways,
} from '../fixtures/smallOdometry.ts';

/** Six to start with, and two more, with which a keyframe is removed. */
const IMAGES = 8;

interface EmulatedAddon extends Addon {
  emulate(controls: { devices: number; memoryMb: number; callsUntilLost: number }): void;
}

/** The whole odometry over the CUDA code, on an emulated GPU: its results against those of the CPU, and what happens when the GPU fails. */
describe('odometry on an emulated GPU', function () {
  this.timeout(BUILD_TIMEOUT_MS);
  const { QPVO_ADDON: given } = process.env;
  let addon: EmulatedAddon;

  before(async () => {
    process.env.QPVO_ADDON = (await emulatedBuild()).addon;
    forgetGpuProbe();
    addon = loadAddon() as EmulatedAddon;
  });
  afterEach(() => whole());
  after(() => {
    if (given === undefined) delete process.env.QPVO_ADDON;
    else process.env.QPVO_ADDON = given;
    forgetGpuProbe();
  });

  const whole = (changes: Partial<Parameters<EmulatedAddon['emulate']>[0]> = {}): void =>
    addon.emulate({ devices: 1, memoryMb: 8192, callsUntilLost: -1, ...changes });

  const ran = new Map<string, Promise<SmallRun>>();

  /** The first images on a device; each kind is run once. */
  function run(device: 'cpu' | 'cuda', precision: Precision): Promise<SmallRun> {
    const kind = `${device} ${precision}`;
    const result = ran.get(kind) ?? freshRun(device, precision);
    ran.set(kind, result);
    return result;
  }

  async function freshRun(device: 'cpu' | 'cuda', precision: Precision): Promise<SmallRun> {
    const odometry = await smallOdometry(device, precision);
    try {
      return await smallRun(odometry, IMAGES);
    } finally {
      await odometry.close();
    }
  }

  it('fp32 follows the CPU: the same states, pairs and keyframes, positions to 1e-3 of the way', async () => {
    const [cuda, cpu] = [await run('cuda', 'fp32'), await run('cpu', 'fp32')];
    const facts = ({ results, finalPoses }: typeof cpu) => ({
      frames: results.map(({ state, pairs, reason, isKeyframe }) => ({ state, pairs, reason, isKeyframe })),
      final: finalPoses.map(({ sequence, isKeyframe }) => ({ sequence, isKeyframe })),
    });
    assert.deepEqual(facts(cuda), facts(cpu));
    // Measured: 1.1e-4. Sums are in another order, and bundle adjustments pass each difference on.
    assert.ok(distanceOf(cuda.results, cpu.results) < 1e-3, `${distanceOf(cuda.results, cpu.results)} of the way`);
    assert.equal(cuda.results.at(-1)!.poseCovariance?.length, 36);
  });

  // Measured: 1.3e-4 and 5e-3. There is no fp16 on the CPU. In int8 a sum in another order puts activations beside a rounding tie on its other side.
  for (const [precision, reference, most] of [
    ['fp16', 'fp32', 0.002],
    ['int8', 'int8', 0.02],
  ] as const) {
    it(`${precision} stays near ${reference} of the CPU`, async () => {
      const [cuda, cpu] = [await run('cuda', precision), await run('cpu', reference)];
      assert.deepEqual(
        cuda.results.map(({ state }) => state),
        cpu.results.map(({ state }) => state),
      );
      const distance = distanceOf(cuda.results, cpu.results);
      assert.ok(distance < most, `${distance} of the way`);
    });
  }

  it('a GPU that is lost in a run rejects with QPVO_DEVICE_LOST, again and again; the process lives, and the next odometry gives the same bits as the first', async () => {
    const odometry = await smallOdometry('cuda', 'int8');
    for (let i = 0; i < 3; i++) await trackSideways(odometry, i);
    whole({ callsUntilLost: 4 });
    await assert.rejects(trackSideways(odometry, 3), { code: 'QPVO_DEVICE_LOST' });
    await assert.rejects(trackSideways(odometry, 4), { code: 'QPVO_DEVICE_LOST' });
    await odometry.close();
    await assert.rejects(trackSideways(odometry, 5), { code: 'QPVO_CLOSED' });
    whole();
    const bits = ({ results }: SmallRun) =>
      results.map(({ T_world_camera, poseCovariance, health }) => ({ T_world_camera, poseCovariance, health }));
    assert.deepEqual(bits(await freshRun('cuda', 'int8')), bits(await run('cuda', 'int8')));
  });

  it('in a process of its own a lost GPU ends that process only; the next one tracks again', async () => {
    const options = smallOptions('cuda', 'int8');
    const program = new URL('../fixtures/loseGpu.mjs', import.meta.url);
    // An emulated GPU on a busy machine takes half a minute for an image.
    const limits = { openMs: BUILD_TIMEOUT_MS, callMs: BUILD_TIMEOUT_MS, closeMs: 5000 };
    const lost = await ProcessOdometry.open(options, { program, limits });
    for (let i = 0; i < 3; i++) await trackSideways(lost, i);
    await assert.rejects(trackSideways(lost, 3), { code: 'QPVO_DEVICE_LOST', message: /cudaError/ });
    await assert.rejects(trackSideways(lost, 4), { code: 'QPVO_DEVICE_LOST', message: /cudaError/ });
    await lost.close();
    const next = await ProcessOdometry.open(options, { limits });
    try {
      const { results } = await run('cuda', 'int8');
      for (let i = 0; i < IMAGES; i++)
        assert.deepEqual((await trackSideways(next, i)).T_world_camera, results[i]!.T_world_camera);
    } finally {
      await next.close();
    }
  });

  it('drawing shows the same image as on the CPU, and the patches where they are', async () => {
    const [{ view: cuda }, { view: cpu }] = [await run('cuda', 'fp32'), await run('cpu', 'fp32')];
    assert.deepEqual([cuda.width, cuda.height], [cpu.width, cpu.height]);
    assert.deepEqual(cuda.gray, cpu.gray);
    assert.equal(cuda.tracks.length, cpu.tracks.length);
    assert.ok(cuda.tracks.length > 0);
    const worst = Math.max(...cuda.tracks.map((v, i) => Math.abs(v - cpu.tracks[i]!)));
    // Measured: 2e-5.
    assert.ok(worst < 1e-3, `${worst} px`);
  });

  it('too little memory is told with what is needed, and leaves nothing behind', async () => {
    const before = addon.CudaPipeline!.memory();
    whole({ memoryMb: 4 });
    await assert.rejects(smallOdometry('cuda', 'fp32'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'QPVO_OUT_OF_MEMORY');
      assert.match(error.message, /MB/);
      return true;
    });
    assert.equal(addon.CudaPipeline!.memory().device, before.device);
  });

  it('close gives the memory of the GPU back at once', async () => {
    const { device, pinned } = addon.CudaPipeline!.memory();
    const odometry = await smallOdometry('cuda', 'fp32');
    assert.ok(addon.CudaPipeline!.memory().device > device);
    await odometry.close();
    const after = addon.CudaPipeline!.memory();
    assert.deepEqual([after.device, after.pinned], [device, pinned]);
    assert.ok(after.peakDevice > device);
  });

  it('without a GPU there is no pipeline, with the reason', async () => {
    whole({ devices: 0 });
    await assert.rejects(smallOdometry('cuda', 'fp32'), { code: 'QPVO_NO_DEVICE' });
  });

  it('the probe runs a kernel in a process of its own and describes the GPU', () => {
    const probe = gpuProbe();
    assert.ok('report' in probe, JSON.stringify(probe));
    const { report } = probe;
    assert.equal(report.fault, '');
    assert.equal(report.devices.length, 1);
    assert.ok(report.driverVersion > 0 && report.devices[0]!.totalMb > 0);
    assert.equal(gpuOffer(probe, '').obstacle, '');
  });
});
