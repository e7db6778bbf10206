// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/packageRoot.ts';

const FLAGS = ['-std=c++20', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-O3', '-fPIC', '-fvisibility=hidden'];

/** A file of native/. */
export const nativePath = (path: string): string => join(packageRoot(), 'native', path);

/** Where CUDA is installed; undefined when it is not. */
export function cudaFolder(): string | undefined {
  const places = [process.env.CUDA_PATH, process.env.CUDA_HOME, '/usr/local/cuda'];
  return places.find((place) => place !== undefined && existsSync(join(place, 'include', 'cuda_runtime.h')));
}

/** @throws with what the program printed */
export function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`);
}

/** g++ with warnings as errors; `includes` come as system headers. */
export function compile(args: readonly string[], includes: readonly string[] = []): void {
  const own = ['include', '.', 'cuda', 'tensorrt'].flatMap((path) => ['-I', nativePath(path)]);
  run('g++', [...FLAGS, ...own, ...includes.flatMap((path) => ['-isystem', path]), ...args]);
}
