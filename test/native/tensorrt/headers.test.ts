// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compile, cudaFolder, nativePath, run } from './compiled.ts';

/** Include folders of TensorRT's public headers, several versions with colons between them. */
const HEADERS = (process.env.QPVO_TENSORRT_HEADERS ?? '').split(':').filter(Boolean);

/** The functions that TensorRT's headers call; a library of this version that can do nothing. */
const stub = (version: readonly number[]) => `
#include <cstdint>
extern "C" {
void* createInferBuilder_INTERNAL(void*, std::int32_t) { return nullptr; }
void* createInferRuntime_INTERNAL(void*, std::int32_t) { return nullptr; }
void* createNvOnnxParser_INTERNAL(void*, void*, int) { return nullptr; }
std::int32_t getInferLibVersion() { return 0; }
std::int32_t getInferLibMajorVersion() { return ${version[0]}; }
std::int32_t getInferLibMinorVersion() { return ${version[1]}; }
std::int32_t getInferLibPatchVersion() { return ${version[2]}; }
std::int32_t getInferLibBuildVersion() { return ${version[3]}; }
}`;

const PROGRAM = ['builder_arguments', 'engine_program', 'event_lines', 'file_content', 'logger', 'trt_plan_builder'];
const MODULE = ['engine_encoder', 'engine_update', 'logger', 'module_table', 'session', 'trt_session'];
const SHARED = ['cuda/runtime/check', 'cuda/runtime/device_buffer', 'cuda/runtime/launch', 'cuda/staging'];
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
      writeFileSync(at('stub.cpp'), stub(version));
      compile(['-shared', '-fvisibility=default', at('stub.cpp'), '-o', at('libnvinfer.so')]);
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
      compile([...objects(PROGRAM), at('check.o'), ...libraries, '-o', at('qpvo_engine')]);
      const module = [
        ...objects(MODULE),
        ...objects(SHARED),
        at('source_chains.o'),
        ...KERNELS.map((name) => at(`${name}.cu.o`)),
      ];
      const strict = ['-Wl,--exclude-libs,ALL', '-Wl,--no-undefined'];
      compile(['-shared', ...module, ...libraries, ...strict, '-o', at('qpvo_tensorrt.so')]);

      const symbols = run('nm', ['-D', '--defined-only', at('qpvo_tensorrt.so')]);
      assert.deepEqual(symbols.match(/ T (\S+)/g), [' T qpvo_tensorrt_module']);
      const { status, stdout } = spawnSync(at('qpvo_engine'), ['probe'], { encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match((JSON.parse(stdout) as { text: string }).text, /choosing the GPU|TensorRT has no runtime/);

      writeFileSync(at('stub.cpp'), stub([version[0]! - 1, 9, 0, 0]));
      compile(['-shared', '-fvisibility=default', at('stub.cpp'), '-o', at('libnvinfer.so')]);
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
