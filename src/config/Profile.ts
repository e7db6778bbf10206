// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';

/** What runs where, at which precision, with which parameters. */
export interface Profile {
  name: string;
  path: string;
  description: string;
  device: 'cpu';
  /** Name of the model under models/. */
  model: string;
  runtime: { encoder: 'onnxruntime'; update: 'onnxruntime' };
  precision: { encoder: 'fp32'; update: 'fp32' };
  /** Overrides of the parameter table; checked by resolveParameters. */
  parameters: Record<string, unknown>;
}

type Rule = 'text' | 'map' | readonly string[] | { readonly [key: string]: Rule };

const PROFILE_RULES = {
  description: 'text',
  device: ['cpu'],
  model: 'text',
  runtime: { encoder: ['onnxruntime'], update: ['onnxruntime'] },
  precision: { encoder: ['fp32'], update: ['fp32'] },
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
