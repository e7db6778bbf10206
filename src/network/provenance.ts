// SPDX-License-Identifier: MIT

/** How a network was trained. */
export interface ModelProvenance {
  /** Of the training code. */
  commit: string;
  /** Name of the configuration file. */
  config: string;
  /** What the network has seen, in words. */
  data: string;
  steps: number;
  /** Clips shown to the network in all steps together. */
  clips: number;
  /** Wall time of the steps. */
  hours: number;
  machine: string;
}

const FIELDS: Record<keyof ModelProvenance, 'string' | 'number'> = {
  commit: 'string',
  config: 'string',
  data: 'string',
  steps: 'number',
  clips: 'number',
  hours: 'number',
  machine: 'string',
};

/** What is wrong with a value that should be a ModelProvenance, in words for an error; undefined when nothing is. */
export function provenanceFault(value: unknown): { key: string; expected: string; received: unknown } | undefined {
  if (typeof value !== 'object' || value === null) return { key: '', expected: 'an object', received: value };
  const fields = value as Record<string, unknown>;
  for (const [key, type] of Object.entries(FIELDS)) {
    const received = fields[key];
    if (type === 'string' && typeof received !== 'string') return { key, expected: 'text', received };
    if (type === 'number' && !(Number.isFinite(received) && (received as number) >= 0)) {
      return { key, expected: 'a number of at least 0', received };
    }
  }
  const unknown = Object.keys(fields).find((key) => !(key in FIELDS));
  if (unknown === undefined) return undefined;
  return { key: unknown, expected: `one of ${Object.keys(FIELDS).join(' ')}`, received: fields[unknown] };
}
