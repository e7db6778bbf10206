// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../../src/packageRoot.ts';

const SOURCES = ['builder_arguments', 'engine_program', 'event_lines', 'file_content'];

/** Compiles the program qpvo_engine with a double in TensorRT's place, and returns where it is. */
export function compileDoubleBuilder(folder: string): string {
  const root = packageRoot();
  const program = join(folder, 'qpvo_engine');
  execFileSync('g++', [
    ...['-std=c++20', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-O1', '-pthread'],
    ...['include', '.', 'tensorrt'].flatMap((path) => ['-I', join(root, 'native', path)]),
    ...SOURCES.map((name) => join(root, 'native', 'tensorrt', `${name}.cpp`)),
    join(root, 'test', 'native', 'tensorrt', 'doublePlanBuilder.cpp'),
    ...['-o', program],
  ]);
  return program;
}
