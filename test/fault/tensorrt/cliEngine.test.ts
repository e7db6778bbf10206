// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compileDoubleBuilder } from '../../native/tensorrt/doubleBuilder.ts';
import { type CliOptions, type CliResult, runCli } from '../runCli.ts';

const SIZE = ['--size', '320x200', '--set', 'networkScale=0.5'];

describe('qpvo engine', function () {
  this.timeout(60000);
  const scratch = temporaryFolder();
  const folder = join(scratch, 'engines');
  let builder: string;
  before(() => {
    builder = compileDoubleBuilder(scratch);
  });

  const engine = (args: readonly string[], { env, ...rest }: CliOptions = {}): Promise<CliResult> =>
    runCli(['engine', ...args], { ...rest, env: { QPVO_ENGINES: folder, QPVO_ENGINE_BUILDER: builder, ...env } });

  it('builds, lists and clears', async () => {
    const built = await engine(['build', ...SIZE, '--precision', 'int8', '--networks', 'encoder,update']);
    assert.equal(built.code, 0, built.stderr);
    assert.match(built.stdout, /^built features, context, update in \d+ s/);
    assert.match(built.stderr, /^engine features: not built yet\nfeatures \(int8, engine 1 of 3\): 0 % of the steps/m);
    assert.match(built.stderr, /engine features: one layer falls back/);
    assert.match(
      (await engine(['build', ...SIZE, '--precision', 'int8'])).stdout,
      /^nothing to build: features, context/,
    );
    assert.match(
      (await engine(['build', ...SIZE, '--precision', 'int8', '--force'])).stdout,
      /^built features, context/,
    );

    const list = await engine(['list']);
    assert.match(
      list.stdout,
      /^small features int8 +image=1x1x96x160 {2}\d\.\d MB {2}TensorRT 10\.3\.0\.26, Orin "double" {2}built [\d-]{10} in \d+ s {2}usable$/m,
    );
    const other = await engine(['list', '--json'], { env: { QPVO_DOUBLE_TENSORRT: '11.1.0.106' } });
    const { engines } = JSON.parse(other.stdout) as { engines: { state: string }[] };
    assert.deepEqual(new Set(engines.map(({ state }) => state)), new Set(['for TensorRT 10.3.0.26, not 11.1.0.106']));

    assert.match((await engine(['clear', '--unfit'])).stdout, /^removed 0 files/);
    assert.match((await engine(['clear', '--model', 'small_pruned'])).stdout, /^removed 0 files/);
    const mistyped = await engine(['clear', '--model', 'smal']);
    assert.equal(mistyped.code, 2);
    assert.match(
      mistyped.stderr,
      /option --model: expected a model with engines: small, but received "smal"\. Did you mean small\?/,
    );
    assert.match((await engine(['clear'])).stdout, /^removed 4 files/);
    assert.match((await engine(['list'])).stdout, /^no engines in /);
    assert.match(
      (await engine(['clear', '--model', 'huge'])).stderr,
      /of the package; no model has engines, but.*"huge"/,
    );
  });

  it('builds again with a level or a workspace that is asked for, and else takes what is there', async () => {
    const env = { QPVO_ENGINES: join(scratch, 'searched') };
    const build = (...more: string[]) => engine(['build', ...SIZE, ...more], { env });
    await build('--level', '3');
    assert.match((await build()).stdout, /^nothing to build: features, context/);
    const longer = await build('--level', '5');
    assert.match(longer.stdout, /^built features, context/);
    assert.match(longer.stderr, /^engine context: built with --level 3, not 5$/m);
    for (const known of [[], ['--level', '5'], ['--workspace', '1024']])
      assert.match((await build(...known)).stdout, /^nothing to build: features, context/);
    const smaller = await build('--workspace', '256');
    assert.match(smaller.stderr, /^engine features: built with --workspace 1024, not 256$/m);
    assert.equal(readdirSync(env.QPVO_ENGINES).filter((name) => name.endsWith('.engine')).length, 2);
  });

  it('builds for the accelerator that runs are to take', async () => {
    const core = ['--precision', 'fp16', '--set', 'dlaCore=1'];
    const env = { QPVO_ENGINES: join(scratch, 'accelerated') };
    assert.match((await engine(['build', ...SIZE, ...core], { env })).stdout, /^built features, context/);
    const known = await engine(['build', ...SIZE, '--precision', 'fp16', '--dla', '1'], { env });
    assert.match(known.stdout, /^nothing to build: features, context/);
    assert.match((await engine(['list'], { env })).stdout, /small features fp16, DLA 1 /);
    assert.match((await engine(['build', ...SIZE, ...core, '--dla', '0'], { env })).stdout, /^built features, context/);
  });

  it('takes networks, precision and windows from a profile that computes with TensorRT', async () => {
    const refused = await engine(['build', ...SIZE, '--profile', 'cpu_fp32']);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /the profile cpu_fp32\.yaml computes no network with TensorRT: expected one that does, or --networks/,
    );
    const built = await engine([
      'build',
      ...SIZE,
      '--profile',
      'cpu_fp32',
      '--networks',
      'update',
      '--set',
      'removalWindow=12',
    ]);
    assert.equal(built.code, 0, built.stderr);
    assert.match((await engine(['list'])).stdout, /^small update fp32 .*mask=13x21x1x1/m);
    await engine(['clear']);
  });

  it('ends at Ctrl-C without a half file', async () => {
    let isAsked = false;
    const result = await engine(['build', ...SIZE], {
      env: { QPVO_DOUBLE_BUILD: 'slow' },
      onStderr: (text, child) => {
        if (isAsked || !text.includes('starting')) return;
        isAsked = true;
        child.kill('SIGINT');
      },
    });
    assert.equal(result.code, 130, result.stderr);
    assert.match(result.stderr, /Ending: .*\n[\s\S]*interrupted; the engine at work was not kept/);
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  });

  it('tells that memory ran out', async () => {
    const { code, stderr } = await engine(['build', ...SIZE], { env: { QPVO_DOUBLE_BUILD: 'starve' } });
    assert.equal(code, 1);
    assert.match(stderr, /the GPU has 9 MB free of 64 MB\. \[QPVO_OUT_OF_MEMORY\]/);
  });

  it('tells a refused graph, and exits with 1', async () => {
    const { code, stderr } = await engine(['build', ...SIZE], { env: { QPVO_DOUBLE_BUILD: 'refuse' } });
    assert.equal(code, 1);
    assert.match(stderr, /qpvo: TensorRT refuses the graph: no "Frobnicate"[\s\S]*\[QPVO_ENGINE\]/);
  });

  for (const [args, message] of [
    [[], /arguments of engine: expected build, list, clear/],
    [['biuld'], /Did you mean build\?/],
    [['build'], /option --size: expected .*<width>x<height>, but received none/],
    [['build', '--size', '752'], /option --size: .*received "752"/],
    [['build', '--size', '60x60'], /too small/],
    [['build', ...SIZE, '--precision', 'int4'], /option --precision: expected fp32, fp16, int8, but received "int4"/],
    [['build', ...SIZE, '--networks', 'decoder'], /option --networks: expected encoder, update/],
    [['build', ...SIZE, '--level', '6'], /option --level: expected 0 to 5/],
    [['list', 'all'], /arguments of engine list: expected no arguments/],
  ] as const) {
    it(`refuses "${args.join(' ')}"`, async () => {
      const { code, stderr } = await engine(args);
      assert.ok(code === 2 || /QPVO_CALIBRATION/.test(stderr), stderr);
      assert.match(stderr, message);
    });
  }
});
