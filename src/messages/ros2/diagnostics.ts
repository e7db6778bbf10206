// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import { QpvoError } from '../../error.ts';
import { cdrFields } from '../cdrFields.ts';
import { writeHeader, writeText } from './writeParts.ts';

/** In the order of their numbers in diagnostic_msgs/msg/DiagnosticStatus. */
const LEVELS = ['ok', 'warn', 'error', 'stale'] as const;

export type DiagnosticLevel = (typeof LEVELS)[number];

/** diagnostic_msgs/msg/DiagnosticStatus. */
export interface DiagnosticStatus {
  level: DiagnosticLevel;
  /** Of the component: "qpvo: tracking". */
  name: string;
  /** One line for people. */
  message: string;
  hardwareId: string;
  values: Readonly<Record<string, string>>;
}

/** diagnostic_msgs/msg/DiagnosticArray, without a frame. */
export function encodeDiagnostics(stampNs: bigint, statuses: readonly DiagnosticStatus[]): Uint8Array {
  const cdr = new CdrWriter({ size: 2048 });
  writeHeader(cdr, stampNs, '');
  cdr.sequenceLength(statuses.length);
  for (const { level, name, message, hardwareId, values } of statuses) {
    cdr.uint8(LEVELS.indexOf(level));
    for (const text of [name, message, hardwareId]) writeText(cdr, text);
    const entries = Object.entries(values);
    cdr.sequenceLength(entries.length);
    for (const text of entries.flat()) writeText(cdr, text);
  }
  return cdr.data;
}

/**
 * Reads a diagnostic_msgs/msg/DiagnosticArray.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT for an unknown level, or when the bytes end too early
 */
export function readDiagnostics(message: Uint8Array): { stampNs: bigint; statuses: DiagnosticStatus[] } {
  const fields = cdrFields(message);
  const { stampNs } = fields.header();
  const statuses = fields.sequence(() => ({
    level: levelOf(fields.uint8()),
    name: fields.string(),
    message: fields.string(),
    hardwareId: fields.string(),
    values: Object.fromEntries(fields.sequence(() => [fields.string(), fields.string()])) as Record<string, string>,
  }));
  return { stampNs, statuses };
}

function levelOf(value: number): DiagnosticLevel {
  const level = LEVELS[value];
  if (level !== undefined) return level;
  throw new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: 'an unknown level in a diagnostic message',
    expected: LEVELS.map((name, i) => `${i} (${name})`).join(', '),
    received: String(value),
  });
}
