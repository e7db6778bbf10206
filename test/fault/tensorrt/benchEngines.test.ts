// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { hasEngines } from '../../../bench/recordingEngines.ts';
import { DEMO } from '../../../bench/recordings.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compileDoubleBuilder } from '../../native/tensorrt/doubleBuilder.ts';

const VARIABLES = ['QPVO_ENGINES', 'QPVO_ENGINE_BUILDER', 'QPVO_DOUBLE_BUILD'] as const;

describe('engines for the benchmark of the GPU', function () {
  this.timeout(60000);
  const scratch = temporaryFolder();
  const { log, error } = console;
  const given = VARIABLES.map((name) => [name, process.env[name]] as const);
  let said: string[];

  before(() => {
    process.env.QPVO_ENGINE_BUILDER = compileDoubleBuilder(scratch);
    process.env.QPVO_ENGINES = join(scratch, 'engines');
  });
  beforeEach(() => {
    said = [];
    console.log = (text: string) => said.push(text);
    console.error = () => undefined;
  });
  afterEach(() => Object.assign(console, { log, error }));
  after(() => {
    for (const [name, value] of given) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it('are built for the images of the recording where they are missing', async () => {
    assert.equal(await hasEngines('orin_int8_tensorrt', DEMO, undefined), true);
    assert.match(
      said.join('\n'),
      /engines of orin_int8_tensorrt for \d+x\d+ images of demo.*\nbuilt features, context in/,
    );
    said = [];
    assert.equal(await hasEngines('orin_int8_tensorrt', DEMO, undefined), true);
    assert.match(said.join('\n'), /nothing to build/);
  });

  it('that cannot be had are told loudly, and the profile is left out', async () => {
    process.env.QPVO_DOUBLE_BUILD = 'refuse';
    assert.equal(await hasEngines('orin_fp16_tensorrt', DEMO, undefined), false);
    assert.match(said.at(-1)!, /^\*\*\* SKIPPED: orin_fp16_tensorrt was not measured, .*: TensorRT refuses the graph/);
  });

  it('are no concern of a profile without TensorRT', async () => {
    assert.equal(await hasEngines('orin_int8', DEMO, undefined), true);
    assert.deepEqual(said, []);
  });
});
