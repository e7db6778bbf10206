// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuilderEvent } from '../../../src/tensorrt/builderProcess.ts';
import { buildEngine, probeTensorrt } from '../../../src/tensorrt/builderProcess.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compileDoubleBuilder } from './doubleBuilder.ts';

describe('the engine builder program, with a double in the place of TensorRT', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  let program: string;
  before(() => {
    program = compileDoubleBuilder(folder);
  });

  const order = (graph: string, name: string) => {
    const onnx = join(folder, `${name}.onnx`);
    writeFileSync(onnx, graph);
    const files = { onnx, plan: join(folder, `${name}.plan`), timings: join(folder, `${name}.timings`) };
    return { ...files, inputs: { image: [1, 3, 480, 752], cells: [48] }, dlaCore: 1, level: 4, workspaceMb: 7 };
  };

  it('tells TensorRT and the GPU', async () => {
    assert.deepEqual(await probeTensorrt(program), {
      tensorrt: '10.3.0.26',
      cuda: 12060,
      device: 'Orin "double"',
      computeCapability: '8.7',
      dlaCores: 2,
    });
  });

  it('builds a plan with the given shapes and options, and tells every step', async () => {
    const events: BuilderEvent[] = [];
    const wanted = order('graph', 'plain');
    await buildEngine(wanted, { onEvent: (event) => events.push(event) }, program);
    assert.equal(
      readFileSync(wanted.plan, 'utf8'),
      `image 1 3 480 752\ncells 48\ndla 1 level 4 workspace ${7 << 20} timings 0 graph 5`,
    );
    assert.equal(events.filter(({ event }) => event === 'step').length, 101);
    assert.deepEqual(events[1], { event: 'phase', name: 'Timing layers', parent: 'Building engine', steps: 100 });
    assert.ok(events.some((event) => event.event === 'warning' && event.text === 'one layer falls back'));
  });

  it('gives the timings of one build to the next', async () => {
    const wanted = order('graph', 'plain');
    await buildEngine(wanted, {}, program);
    await buildEngine(wanted, {}, program);
    assert.match(readFileSync(wanted.plan, 'utf8'), /timings 6 graph/);
    assert.equal(readFileSync(wanted.timings, 'utf8'), 'ttttttttt');
  });

  it('a refused graph is told in the words of TensorRT, and leaves no file', async () => {
    const wanted = order('refuse this', 'refused');
    await assert.rejects(buildEngine(wanted, {}, program), {
      code: 'QPVO_ENGINE',
      message: 'TensorRT refuses the graph: no "Frobnicate"\n(node 3) \ufffd.',
    });
    assert.equal(existsSync(wanted.plan), false);
  });

  it('memory that runs out is told as that', async () => {
    const wanted = order('starve', 'starved');
    await assert.rejects(buildEngine(wanted, {}, program), { code: 'QPVO_OUT_OF_MEMORY', message: /9 MB free of 64/ });
    assert.equal(existsSync(wanted.plan), false);
  });

  it('a crash is told as one, and leaves no file', async () => {
    const wanted = order('crash', 'crashed');
    await assert.rejects(buildEngine(wanted, {}, program), { code: 'QPVO_ENGINE', message: /a crash \(SIGSEGV\)/ });
    assert.deepEqual(
      readdirSync(folder).filter((name) => /^crashed\.(plan|timings)/.test(name)),
      [],
    );
  });

  it('an interrupted build ends soon, with the reason of the interruption, and leaves no file', async () => {
    const wanted = order('slow', 'ended');
    const stop = new AbortController();
    const startMs = performance.now();
    const build = buildEngine(
      wanted,
      { signal: stop.signal, onEvent: (event) => event.event === 'step' && stop.abort(new Error('enough')) },
      program,
    );
    await assert.rejects(build, { message: 'enough' });
    assert.ok(performance.now() - startMs < 3000);
    assert.deepEqual(
      readdirSync(folder).filter((name) => /^ended\.(plan|timings)/.test(name)),
      [],
    );
  });

  it('killed in the middle, it leaves no file', async () => {
    const wanted = order('slow', 'killed');
    const child = spawn(program, ['build', '--onnx', wanted.onnx, '--plan', wanted.plan, '--timings', wanted.timings]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual(
      readdirSync(folder).filter((name) => /^killed\.(plan|timings)/.test(name)),
      [],
    );
  });

  it('ends by itself when nobody reads its events any more, and leaves no file', async () => {
    const wanted = order('slow', 'left');
    const child = spawn(program, ['build', '--onnx', wanted.onnx, '--plan', wanted.plan, '--timings', wanted.timings]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdout.destroy();
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 130);
    assert.deepEqual(
      readdirSync(folder).filter((name) => /^left\.(plan|timings)/.test(name)),
      [],
    );
  });

  it('a plan that cannot be written is an error, and a stray file of timings none', async () => {
    const wanted = order('graph', 'nowhere');
    await assert.rejects(buildEngine({ ...wanted, plan: join(folder, 'absent', 'x.plan') }, {}, program), {
      code: 'QPVO_ENGINE',
      message: /cannot write .*No such file/,
    });
    const warnings: string[] = [];
    const timings = join(folder, 'absent', 'x.timings');
    const onEvent = (event: BuilderEvent) => event.event === 'warning' && warnings.push(event.text);
    await buildEngine({ ...wanted, timings }, { onEvent }, program);
    assert.match(warnings.at(-1)!, /cannot write .*x\.timings/);
  });

  for (const [args, message] of [
    [[], /task: expected probe or build, but received ""/],
    [['build', '--onnx', 'a'], /expected --onnx, --plan and --timings/],
    [['build', '--input', 'image=1x0'], /--input: expected a whole number of at least 1, but received "0"/],
    [['build', '--input', 'image'], /expected name=1x2x3/],
    [['build', '--level'], /--level: expected a value/],
    [['build', '--wide', '1'], /expected one of the builder, but received "--wide"/],
    [['probe', '--device', '3'], /no GPU 3/],
  ] as const) {
    it(`refuses ${args.join(' ') || 'no arguments'}`, async () => {
      const child = spawn(program, args);
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => {
        text += bytes;
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.equal(code, 1);
      assert.match((JSON.parse(text) as { text: string }).text, message);
    });
  }
});
