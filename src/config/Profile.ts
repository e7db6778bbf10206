// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';

export const DEVICES = ['cpu', 'cuda'] as const;
export const RUNTIMES = ['onnxruntime', 'native', 'cuda', 'tensorrt'] as const;
export const PRECISIONS = ['fp32', 'fp16', 'int8'] as const;

export type Device = (typeof DEVICES)[number];
export type Runtime = (typeof RUNTIMES)[number];
export type Precision = (typeof PRECISIONS)[number];

/** The two networks of a model: the encoders (front-end) and the update operator. */
export const PARTS = ['encoder', 'update'] as const;

/** What runs where, at which precision, with which parameters. Geometry and bundle adjustment are always in fp32. */
export interface Profile {
  name: string;
  path: string;
  description: string;
  device: Device;
  /** Name of the model under models/. */
  model: string;
  runtime: Record<(typeof PARTS)[number], Runtime>;
  precision: Record<(typeof PARTS)[number], Precision>;
  /** Overrides of the parameter table; checked by resolveParameters. */
  parameters: Record<string, unknown>;
}

/** The networks that TensorRT computes. */
export function tensorrtParts({ runtime }: Pick<Profile, 'runtime'>): (typeof PARTS)[number][] {
  return PARTS.filter((network) => runtime[network] === 'tensorrt');
}

type Rule = 'text' | 'map' | readonly string[] | { readonly [key: string]: Rule };

const PROFILE_RULES = {
  description: 'text',
  device: DEVICES,
  model: 'text',
  runtime: { encoder: RUNTIMES, update: RUNTIMES },
  precision: { encoder: PRECISIONS, update: PRECISIONS },
  parameters: 'map',
} as const satisfies Rule;

/**
 * The profile in a parsed document; every key must be there, and no other.
 *
 * @throws QpvoError QPVO_PROFILE naming the key
 */
export function checkProfile(name: string, path: string, document: unknown): Profile {
  check('profile', document, PROFILE_RULES, path);
  return { name, path, ...(document as Omit<Profile, 'name' | 'path'>) };
}

function check(key: string, value: unknown, rule: Rule, path: string): void {
  const refuse = (expected: string): never => {
    throw new QpvoError('QPVO_PROFILE', {
      what: `${key} in ${path}`,
      expected,
      received: value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)),
      advice: 'Compare with config/profiles/cpu_fp32.yaml.',
    });
  };
  if (rule === 'text') {
    if (typeof value !== 'string' || value === '') refuse('text');
  } else if (Array.isArray(rule)) {
    if (!rule.includes(value as string)) refuse(rule.join(' or '));
  } else if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse('a mapping');
  } else if (rule !== 'map') {
    const keys = Object.keys(rule);
    const strange = Object.keys(value).find((name) => !keys.includes(name));
    if (strange !== undefined) refuse(`only the keys ${keys.join(', ')} (not ${strange})`);
    for (const [name, inner] of Object.entries(rule)) {
      check(name, (value as Record<string, unknown>)[name], inner as Rule, path);
    }
  }
}
