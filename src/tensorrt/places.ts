// SPDX-License-Identifier: MIT
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../packageRoot.ts';

/** The program that asks TensorRT for its version and builds engines; a process of its own. */
export function builderPath(): string {
  return process.env.QPVO_ENGINE_BUILDER ?? join(packageRoot(), 'build', 'Release', 'qpvo_engine');
}

/** The module with which the addon runs engines. */
export function modulePath(): string {
  return process.env.QPVO_TENSORRT_MODULE ?? join(packageRoot(), 'build', 'Release', 'qpvo_tensorrt.so');
}

/** Where engines are kept: $QPVO_ENGINES, else below $XDG_CACHE_HOME, else below ~/.cache. */
export function engineFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { QPVO_ENGINES: own, XDG_CACHE_HOME: cache } = env;
  if (own !== undefined && own !== '') return own;
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'qpvo', 'engines');
}
