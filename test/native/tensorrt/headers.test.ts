// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compile, cudaFolder, nativePath, run } from './compiled.ts';

/** Include folders of TensorRT's public headers, several versions with colons between them. */
const HEADERS = (process.env.QPVO_TENSORRT_HEADERS ?? '').split(':').filter(Boolean);

/** The functions that TensorRT's headers call; a library of this version that can do nothing, and says why as QPVO_STUB_SAYS tells it. */
const stub = (version: readonly number[]) => `
#include <cstdint>
#include <cstdlib>
extern "C" {
void* createInferBuilder_INTERNAL(void*, std::int32_t) { return nullptr; }
void* createInferRuntime_INTERNAL(void* logger, std::int32_t) noexcept {
  const char* const words = std::getenv("QPVO_STUB_SAYS");
  if (words != nullptr) static_cast<nvinfer1::ILogger*>(logger)->log(nvinfer1::ILogger::Severity::kERROR, words);
  return nullptr;
}
void* createNvOnnxParser_INTERNAL(void*, void*, int) { return nullptr; }
std::int32_t getInferLibVersion() noexcept { return 0; }
std::int32_t getInferLibMajorVersion() noexcept { return ${version[0]}; }
std::int32_t getInferLibMinorVersion() noexcept { return ${version[1]}; }
std::int32_t getInferLibPatchVersion() noexcept { return ${version[2]}; }
std::int32_t getInferLibBuildVersion() noexcept { return ${version[3]}; }
}`;

/** Opens engines of 12 MB with the module, and tells what this process then counts: bytes on the GPU now, and at most. */
const LOADER = `
#include <cstdio>
#include <vector>
#include "qpvo/error.hpp"
#include "tensorrt/module.hpp"
int main(int, char** values) {
  const std::vector<char> plan(12'000'000);
  const qpvo::tensorrt::Plan engine{plan.data(), plan.size()};
  try {
    qpvo::tensorrt::Module::load(values[1]).openEncoder({engine, engine, 1, 96, 96, 64, 128, 48, {}}, *reinterpret_cast<const qpvo::cuda::Context*>(values));
  } catch (const qpvo::Error& error) {
    std::printf("%s %s\\n", error.code().c_str(), error.what());
  }
  std::printf("%zu %zu\\n", qpvo::cuda::tally().now.device, qpvo::cuda::tally().most.device);
}`;

/** Logs these errors of TensorRT, and tells twice what the logger makes of what it then has. */
const LOGGING = `
#include <cstdio>
#include "tensorrt/logger.hpp"
int main(int count, char** texts) {
  qpvo::tensorrt::Logger logger;
  for (int i = 1; i < count; ++i) logger.log(nvinfer1::ILogger::Severity::kERROR, texts[i]);
  for (int i = 0; i < 2; ++i) {
    const qpvo::tensorrt::Failure why = logger.takeErrors();
    std::printf("%d %d %s\\n", why.isOutOfMemory, why.endsSo, why.words.c_str());
  }
}`;

const PROGRAM = ['builder_arguments', 'engine_program', 'event_lines', 'file_content', 'logger', 'trt_plan_builder'];
const MODULE = ['engine_encoder', 'engine_update', 'logger', 'module_table', 'session', 'trt_session'];
const RUNTIME = ['cuda/runtime/check', 'cuda/runtime/memory_text'];
const SHARED = [...RUNTIME, 'cuda/runtime/device_buffer', 'cuda/runtime/launch', 'cuda/runtime/tally', 'cuda/staging'];
const KERNELS = ['channels_last', 'pair_slots'];

describe('TensorRT code against the public headers, linked with stubs', function () {
  this.timeout(600000);
  const cuda = cudaFolder();
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);

  before(function () {
    if (HEADERS.length > 0 && cuda !== undefined) return;
    console.log(
      'needs CUDA, and in QPVO_TENSORRT_HEADERS the include folders of the versions (NVIDIA/TensorRT, onnx/onnx-tensorrt)',
    );
    this.skip();
  });

  it('the kernels compile', () => {
    const own = ['include', '.', 'cuda'].flatMap((path) => ['-I', nativePath(path)]);
    for (const name of KERNELS) {
      const flags = [
        '-std=c++20',
        '-Werror',
        'all-warnings',
        '-Xcompiler',
        '-Wall,-Wextra,-Werror,-fPIC,-fvisibility=hidden',
        '-arch=sm_87',
      ];
      run(join(cuda!, 'bin', 'nvcc'), [
        ...flags,
        ...own,
        '-c',
        nativePath(`tensorrt/${name}.cu`),
        '-o',
        at(`${name}.cu.o`),
      ]);
    }
    for (const path of [...SHARED, 'cpu/network/source_chains']) {
      compile(['-c', nativePath(`${path}.cpp`), '-o', at(`${path.split('/').at(-1)}.o`)], [join(cuda!, 'include')]);
    }
  });

  for (const headers of HEADERS) {
    it(`${headers}: compiles without a warning, links, and says what is wrong`, () => {
      const includes = [headers, join(cuda!, 'include')];
      const version = versionOf(headers, folder);
      const stubFlags = ['-shared', '-fvisibility=default', '-include', 'NvInferRuntime.h'];
      writeFileSync(at('stub.cpp'), stub(version));
      compile([...stubFlags, at('stub.cpp'), '-o', at('libnvinfer.so')], includes);
      for (const name of new Set([...PROGRAM, ...MODULE])) {
        compile(['-c', nativePath(`tensorrt/${name}.cpp`), '-o', at(`${name}.o`)], includes);
      }
      const objects = (names: readonly string[]) => names.map((name) => at(`${name.split('/').at(-1)}.o`));
      const libraries = [
        at('libnvinfer.so'),
        `-Wl,-rpath,${folder}`,
        '-L',
        join(cuda!, 'lib64'),
        '-lcudart_static',
        '-ldl',
        '-lrt',
        '-pthread',
      ];
      compile([...objects(PROGRAM), ...objects(RUNTIME), ...libraries, '-o', at('qpvo_engine')]);
      const module = [
        ...objects(MODULE),
        ...objects(SHARED),
        at('source_chains.o'),
        ...KERNELS.map((name) => at(`${name}.cu.o`)),
      ];
      writeFileSync(at('logging.cpp'), LOGGING);
      compile([at('logging.cpp'), at('logger.o'), '-pthread', '-o', at('logging')], includes);
      const log = (...texts: string[]) => run(at('logging'), texts).trim().split('\n');
      assert.deepEqual(log('out of memory'), ['1 1 out of memory', '0 0 no reason given']);
      assert.deepEqual(log('out of memory', 'bad node'), ['1 0 out of memory; bad node', '0 0 no reason given']);
      assert.deepEqual(log('bad node', 'out of memory'), ['1 1 bad node; out of memory', '0 0 no reason given']);

      const strict = ['-Wl,--exclude-libs,ALL', '-Wl,--no-undefined'];
      compile(['-shared', ...module, ...libraries, ...strict, '-o', at('qpvo_tensorrt.so')]);

      const symbols = run('nm', ['-D', '--defined-only', at('qpvo_tensorrt.so')]);
      assert.deepEqual(symbols.match(/ T (\S+)/g), [' T qpvo_tensorrt_module']);
      const { status, stdout } = spawnSync(at('qpvo_engine'), ['probe'], { encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match((JSON.parse(stdout) as { text: string }).text, /choosing the GPU|TensorRT has no runtime/);

      writeFileSync(at('loader.cpp'), LOADER);
      compile([at('loader.cpp'), nativePath('tensorrt/module.cpp'), at('tally.o'), '-ldl', '-o', at('loader')]);
      const load = (words: string) => {
        const env = { ...process.env, QPVO_STUB_SAYS: words };
        return spawnSync(at('loader'), [at('qpvo_tensorrt.so')], { encoding: 'utf8', env }).stdout.split('\n');
      };
      const [memory, counted] = load(
        '[resizingAllocator.cpp::allocate::78] Error Code 1: Cuda Runtime (out of memory)',
      );
      const name = `TensorRT ${version.join('\\.')} cannot load the engine of the graph (features|context)`;
      assert.match(
        memory!,
        new RegExp(`^QPVO_OUT_OF_MEMORY ${name}: expected GPU memory for its plan of 12 MB .* the GPU `),
      );
      assert.equal(counted, '0 12000000', 'what the module holds counts with the process that loads it');
      const [bad] = load('IRuntime::deserializeCudaEngine: Error Code 1: Serialization (magic number does not match)');
      assert.match(bad!, new RegExp(`^QPVO_ENGINE ${name}: .*magic number.* Build it again: qpvo engine build `));

      writeFileSync(at('stub.cpp'), stub([version[0]! - 1, 9, 0, 0]));
      compile([...stubFlags, at('stub.cpp'), '-o', at('libnvinfer.so')], includes);
      const older = spawnSync(at('qpvo_engine'), ['probe'], { encoding: 'utf8' });
      const text = `expected the version that qpvo was built with, ${version[0]}.${version[1]}, but received ${version[0]! - 1}.9.0.0`;
      assert.ok(older.stdout.includes(text), older.stdout);
    });
  }
});

/** Of the headers: major, minor, patch, build. */
function versionOf(headers: string, folder: string): number[] {
  const source = join(folder, 'version.cpp');
  writeFileSync(source, 'NV_TENSORRT_MAJOR NV_TENSORRT_MINOR NV_TENSORRT_PATCH NV_TENSORRT_BUILD\n');
  return run('g++', ['-E', '-P', '-isystem', headers, '-include', 'NvInferVersion.h', source])
    .trim()
    .split('\n')
    .at(-1)!
    .split(' ')
    .map(Number);
}
