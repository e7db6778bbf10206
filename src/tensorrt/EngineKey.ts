// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';

/** The graphs of which engines are made. */
export const ENGINE_GRAPHS = ['features', 'context', 'update'] as const;
export type EngineGraphName = (typeof ENGINE_GRAPHS)[number];

/** TensorRT and the GPU, as the builder sees them. An engine is good for exactly these. */
export interface EngineMachine {
  /** Of the library: major.minor.patch.build. */
  tensorrt: string;
  /** CUDA runtime of the builder, 12060 for 12.6. */
  cuda: number;
  /** Name and size of the GPU. */
  device: string;
  /** "8.7" */
  computeCapability: string;
}

/** How an engine is to be built. */
export interface EngineOptions {
  /** Core of the deep learning accelerator; -1 is the GPU. */
  dlaCore: number;
  /** 0 builds fastest, 5 searches longest. */
  level: number;
  /** Most scratch memory of a layer, MB (2^20 bytes). */
  workspaceMb: number;
}

export const DEFAULT_ENGINE_OPTIONS: EngineOptions = { dlaCore: -1, level: 3, workspaceMb: 1024 };

/**
 * Everything an engine depends on. Level and workspace are the builder's alone: whoever runs an engine takes it whatever they were, so they stand in its record and are
 * not part of its name.
 */
export interface EngineKey extends EngineMachine, EngineOptions {
  graph: EngineGraphName;
  /** SHA-256 of the ONNX graph, lower-case hexadecimal. */
  onnx: string;
  /** Shapes of the inputs, by name. */
  inputs: Readonly<Record<string, readonly number[]>>;
}

/** What makes an engine another one to those who run it. */
const FIELDS = ['graph', 'onnx', 'tensorrt', 'cuda', 'device', 'computeCapability', 'dlaCore'] as const;

/** The first field in which two keys differ, with both values; undefined when they agree. */
export function keyDifference(
  expected: EngineKey,
  found: Partial<EngineKey>,
): { field: string; expected: string; found: string } | undefined {
  for (const field of FIELDS) {
    if (expected[field] !== found[field]) return { field, expected: `${expected[field]}`, found: `${found[field]}` };
  }
  const [wanted, had] = [inputsText(expected.inputs), inputsText(found.inputs ?? {})];
  return wanted === had ? undefined : { field: 'inputs', expected: wanted, found: had };
}

/** The first option that was asked for and that an engine was not built with, in one clause; undefined when it has all of them. */
export function optionDifference(
  asked: Partial<Pick<EngineOptions, 'level' | 'workspaceMb'>>,
  found: EngineKey,
): string | undefined {
  for (const [field, name] of [
    ['level', '--level'],
    ['workspaceMb', '--workspace'],
  ] as const) {
    const wanted = asked[field];
    if (wanted !== undefined && wanted !== found[field]) return `built with ${name} ${found[field]}, not ${wanted}`;
  }
  return undefined;
}

/** SHA-256 of what makes it another engine, whatever the order of the fields. */
export function keyDigest(key: EngineKey): string {
  const text = [...FIELDS.map((field) => `${field}=${key[field]}`), inputsText(key.inputs)].join('\n');
  return createHash('sha256').update(text).digest('hex');
}

/** "cells=48 image=1x1x480x752" */
export function inputsText(inputs: EngineKey['inputs']): string {
  return Object.entries(inputs)
    .map(([name, shape]) => `${name}=${shape.join('x')}`)
    .sort()
    .join(' ');
}
