// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { gpuChecks } from '../../../src/cli/doctor/gpuChecks.ts';
import { QpvoError } from '../../../src/error.ts';
import type { GpuReport } from '../../../src/native/addon.ts';
import { gpuFailure } from '../../../src/native/gpuFailure.ts';
import { probeBeside, probeIn } from '../../../src/native/gpuProbe.ts';

const GOOD: GpuReport = {
  runtimeVersion: 13000,
  driverVersion: 13020,
  devices: [{ name: 'GPU of 2026', computeCapability: 90, totalMb: 16000, freeMb: 15000, integrated: false }],
  fault: '',
};

/** Both ways to ask: waiting for the answer, and beside other work. */
const WAYS = { waiting: async (...all: Parameters<typeof probeIn>) => probeIn(...all), beside: probeBeside };

for (const [way, ask] of Object.entries(WAYS)) {
  /** A child that runs this program instead of asking a driver. */
  const probe = (program: string, timeoutMs = 10_000) => ask(process.execPath, ['-e', program], timeoutMs);
  const obstacle = async (program: string, timeoutMs?: number): Promise<string> => {
    const found = await probe(program, timeoutMs);
    return 'obstacle' in found ? found.obstacle : assert.fail(`a report: ${JSON.stringify(found)}`);
  };
  const said = (report: unknown) => `console.log('qpvo-gpu ' + ${JSON.stringify(JSON.stringify(report))})`;

  describe(`GPU probe in a process of its own, ${way}`, () => {
    it('reads the report, whatever else a driver prints', async () => {
      assert.deepEqual(await probe(said(GOOD)), { report: GOOD });
      const noisy = `console.log('NvRm: hello'); ${said(GOOD)}; console.log('bye'); console.error('warning')`;
      assert.deepEqual(await probe(noisy), { report: GOOD });
      const cut = `process.stdout.write('no newline'); console.log(); ${said(GOOD)}`;
      assert.deepEqual(await probe(cut), { report: GOOD });
    });

    it('a driver that crashes takes the child only', async () => {
      const killed = await obstacle('process.kill(process.pid, "SIGSEGV")');
      assert.match(killed, /^asking the GPU ended in SIGSEGV: the driver seems/);
      const aborted = await obstacle('console.error("Xid 79"); process.abort()');
      assert.match(aborted, /^asking the GPU ended in SIG(ABRT|TRAP|ILL)/);
    });

    it('a driver that hangs is given up', async () => {
      const startMs = performance.now();
      const late = await obstacle('setInterval(() => {}, 1000)', 500);
      assert.equal(late, 'the GPU driver gave no answer within 0.5 s');
      assert.ok(performance.now() - startMs < 8000);
    });

    it('garbage, half a report and another report are no report, and the last words of the child are told', async () => {
      assert.match(await obstacle('console.log("qpvo-gpu {")'), /exit code 0 and no report$/);
      assert.match(await obstacle('console.log("\\x00\\xff garbage")'), /exit code 0 and no report$/);
      assert.match(await obstacle(said({ devices: 3 })), /no report$/);
      assert.match(await obstacle(said(null)), /no report$/);
      const lacking = await obstacle('console.error("libcuda.so.1: not found"); process.exit(3)');
      assert.match(lacking, /exit code 3 and no report \("libcuda\.so\.1: not found"\)$/);
      assert.match(await obstacle('throw new Error("cannot load")'), /exit code 1 and no report/);
    });

    it('a program that is not there is an obstacle too', async () => {
      const found = await ask('/no/such/program', []);
      assert.match('obstacle' in found ? found.obstacle : '', /^the GPU could not be asked: .*ENOENT/);
    });
  });
}

describe('doctor on GPUs', () => {
  const byName = (report: GpuReport) => new Map(gpuChecks({ report }, '540.4.0').map((check) => [check.name, check]));

  it('shows driver, CUDA, GPU and memory, and that no version of it has run on one', () => {
    const checks = byName(GOOD);
    assert.match(checks.get('CUDA of the addon')!.detail, /^13\.0, .*has not yet been run on a GPU$/);
    assert.deepEqual(checks.get('NVIDIA driver'), {
      name: 'NVIDIA driver',
      status: 'ok',
      detail: '540.4.0, for CUDA up to 13.2',
    });
    const gpu = checks.get('GPU')!;
    assert.equal(gpu.status, 'ok');
    assert.match(gpu.detail, /^GPU of 2026, compute capability 9\.0, 15000 of 16000 MB free; a kernel ran/);
  });

  it('says why not: no CUDA in the addon, no driver, an old one, an old GPU, kernels that do not run', () => {
    assert.deepEqual(
      gpuChecks({ obstacle: 'the addon was built without CUDA' }).map(({ status }) => status),
      ['unavailable'],
    );
    const none = byName({ ...GOOD, driverVersion: 0, devices: [], fault: 'no driver' });
    assert.deepEqual(none.get('NVIDIA driver')!.status, 'unavailable');
    const old = byName({ ...GOOD, driverVersion: 11080, devices: [], fault: 'too old.' });
    assert.match(old.get('NVIDIA driver')!.detail, /^540\.4\.0, for CUDA up to 11\.8, but no GPU: too old/);
    const [gpu] = GOOD.devices;
    const turing = byName({ ...GOOD, devices: [{ ...gpu!, computeCapability: 75 }] });
    assert.equal(turing.get('GPU')!.status, 'unavailable');
    assert.match(turing.get('GPU')!.detail, /compute capability 7\.5, and 8\.0 \(Ampere\) is the least/);
    const foreign = byName({ ...GOOD, fault: 'no kernel image is available' });
    assert.match(foreign.get('GPU')!.detail, /kernels do not run on the GPU of 2026: no kernel image is available/);
  });

  it('only the first of several GPUs is used, and a Jetson shares its memory', () => {
    const [gpu] = GOOD.devices;
    const two = byName({ ...GOOD, devices: [{ ...gpu!, integrated: true }, gpu!] });
    assert.match(two.get('GPU')!.detail, /shared with the processor/);
    assert.match(two.get('GPU 1')!.detail, /only the first GPU is used/);
  });
});

describe('failures of a GPU', () => {
  it('those of the machine are told without a stack, defects of the program stay what they are', () => {
    const thrown = (code: string) => Object.assign(new Error('waiting for the GPU: it is gone.'), { code });
    const lost = gpuFailure(thrown('QPVO_DEVICE_LOST'));
    assert.ok(lost instanceof QpvoError);
    assert.deepEqual([lost.code, lost.message], ['QPVO_DEVICE_LOST', 'waiting for the GPU: it is gone.']);
    const defect = thrown('QPVO_INTERNAL');
    assert.equal(gpuFailure(defect), defect);
    assert.equal(gpuFailure('text'), 'text');
  });
});
