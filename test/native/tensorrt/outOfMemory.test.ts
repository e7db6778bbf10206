// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compile, run } from './compiled.ts';

const PROGRAM = `
#include <cstdio>
#include "tensorrt/out_of_memory.hpp"
int main(int count, char** texts) {
  for (int i = 1; i < count; ++i) std::puts(qpvo::tensorrt::tellsOutOfMemory(texts[i]) ? "memory" : "other");
}`;

/** As people report them of TensorRT 7 to 10.13. */
const MEMORY = [
  '[defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)',
  '1: [defaultAllocator.cpp::nvinfer1::internal::DefaultAllocator::allocate::19] Error Code 1: Cuda Runtime (out of memory)',
  '[resizingAllocator.cpp::allocate::78] Error Code 1: Cuda Runtime (out of memory)',
  '[executionContext.cpp::initializeExecutionContext::625] Error Code 2: OutOfMemory (Requested size was 20132809216 bytes.)',
  '2: [safeDeserialize.cpp::load::269] Error Code 2: OutOfMemory (no further information)',
  '[virtualMemoryBuffer.cpp::resizePhysical::154] Error Code 2: OutOfMemory (Requested size was 16581132288 bytes.)',
  'Error Code: 9: Skipping tactic 0x0 due to exception [tunable_graph.cpp:create:117] autotuning: User allocator error allocating 15485030400-byte buffer',
  '../rtSafe/safeRuntime.cpp (25) - Cuda Error in allocate: 2 (out of memory)',
];
const OTHER = [
  '',
  'no reason given',
  'IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match)',
  '[defaultAllocator.cpp::nvinfer1::internal::DefaultAllocator::deallocate::61] Error Code 1: Cuda Runtime (unspecified launch failure)',
  'IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any implementation for node {ForeignNode[/1/Slice_4]}.)',
  'IExecutionContext::enqueueV3: Error Code 3: API Usage Error (Parameter check failed, condition: allInputDimensionsSpecified(routine).)',
];

describe('what TensorRT logs when memory runs out', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const program = join(folder, 'tells');
  before(() => {
    writeFileSync(`${program}.cpp`, PROGRAM);
    compile([`${program}.cpp`, '-o', program]);
  });

  for (const [texts, kind] of [
    [MEMORY, 'memory'],
    [OTHER, 'other'],
  ] as const) {
    it(`is told from other errors: ${kind}`, () => {
      assert.deepEqual(
        run(program, texts).trim().split('\n'),
        texts.map(() => kind),
      );
    });
  }
});
