// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enginesText } from '../../../src/cli/doctor/modelChecks.ts';
import { readRequest } from '../../../src/cli/engine/build.ts';
import { command } from '../../../src/cli/engine.ts';
import { listProfiles, readProfile } from '../../../src/config/readProfile.ts';
import { readManifest } from '../../../src/network/manifest.ts';
import { findModelFolder } from '../../../src/network/modelFolder.ts';
import { packageRoot } from '../../../src/packageRoot.ts';
import { type EngineRequest, openEngines } from '../../../src/tensorrt/openEngines.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compile, nativePath, run } from './compiled.ts';
import { compileDoubleBuilder } from './doubleBuilder.ts';

/** What a session says of an engine that does not fit. */
const UNFIT = `
#include <cstdio>
#include "qpvo/error.hpp"
#include "tensorrt/session.hpp"
using namespace qpvo::tensorrt;
struct Empty final : Session {
  const std::vector<EngineTensor>& tensors() const override { return none; }
  std::size_t scratchBytes() const override { return 0; }
  void useScratch(void*, std::size_t) override {}
  void bind(const char*, void*) override {}
  void run(cudaStream_t) override {}
  std::vector<EngineTensor> none;
};
int main() {
  try {
    tensorOf(Empty(), "update", "mask");
  } catch (const qpvo::Error& error) {
    std::puts(error.what());
  }
}`;

/** The requests of all `qpvo engine build` in a text, as its reader would type them. @throws when one cannot be run */
function requestsIn(text: string): EngineRequest[] {
  const commands = [...text.matchAll(/qpvo engine build ((?:(?:--)?[\w./=:,+-]+|'[^']*'| (?! ))+)/g)];
  return commands.map(([, words]) =>
    readRequest([...words!.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word)),
  );
}

describe('commands that messages advise', function () {
  this.timeout(60000);
  const folder = temporaryFolder();

  it('of a profile with TensorRT, in doctor', () => {
    for (const name of listProfiles().filter((profile) => readProfile(profile).runtime.encoder === 'tensorrt')) {
      for (const sizes of [[], ['752x480', '640x480']]) {
        const [request] = requestsIn(enginesText(name, sizes));
        assert.deepEqual(request?.precision, { encoder: readProfile(name).precision.encoder });
        assert.deepEqual([request?.shape.width, request?.shape.height], [752, 480]);
      }
    }
  });

  it('of an engine that does not serve a run, in the native code', () => {
    const program = join(folder, 'unfit');
    writeFileSync(`${program}.cpp`, UNFIT);
    compile([`${program}.cpp`, nativePath('tensorrt/session.cpp'), '-o', program]);
    const text = run(program, []);
    assert.match(text, /expected a tensor mask, but received none\. Build it again: /);
    assert.equal(requestsIn(text)[0]?.force, true);
  });

  it('in the help and in the recipe for a Jetson', () => {
    const recipe = readFileSync(join(packageRoot(), 'docs', 'recipes', 'jetson.md'), 'utf8');
    assert.equal(requestsIn(recipe).length, 1);
    const [, examples] = command.help.split('Examples:');
    assert.equal(requestsIn(examples!).length, 2);
  });

  describe('of an engine that is missing', () => {
    let builder: string;
    before(() => {
      builder = compileDoubleBuilder(folder);
    });

    /** The message of a run without engines. */
    async function missing(modelDir: string, request: Pick<EngineRequest, 'precision' | 'shape' | 'options'>) {
      const manifest = readManifest(modelDir);
      const files = { folder: join(folder, 'engines'), builder };
      const opened = openEngines({ modelDir, manifest, ...files, ...request, build: false });
      return opened.then(
        () => assert.fail('an engine'),
        (error: Error) => error.message,
      );
    }

    const request = {
      precision: { update: 'fp16' },
      shape: { width: 640, height: 352, patches: 96, sources: 23, targets: 25 },
      options: { dlaCore: 1 },
    } as const;

    it('builds the one that the run looks for', async () => {
      const [advised] = requestsIn(await missing(findModelFolder('small'), request));
      assert.deepEqual({ ...request, modelDir: findModelFolder('small') }, pick(advised!));
    });

    it('names the folder of a model that is none of the package, though it has the name of one', async () => {
      const own = join(folder, 'my models', 'small');
      mkdirSync(join(folder, 'my models'));
      symlinkSync(findModelFolder('small_pruned'), own);
      const message = await missing(own, request);
      assert.ok(message.includes(` --model '${own}' `), message);
      assert.deepEqual({ ...request, modelDir: own }, pick(requestsIn(message)[0]!));
    });
  });
});

function pick({ precision, shape, options, modelDir }: EngineRequest) {
  return { precision, shape, options, modelDir };
}
