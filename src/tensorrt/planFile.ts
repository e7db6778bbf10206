// SPDX-License-Identifier: MIT
import { checksum } from '../network/manifest.ts';
import type { EngineKey } from './EngineKey.ts';

/** What stands before a plan in a file of the cache. */
export interface PlanHeader {
  key: EngineKey;
  /** Of the model, for people. */
  model: string;
  precision: string;
  /** ISO 8601. */
  builtAt: string;
  buildSeconds: number;
  planBytes: number;
  /** Lower-case hexadecimal. */
  planSha256: string;
}

export interface PlanFile {
  header: PlanHeader;
  /** What TensorRT deserializes. */
  plan: Uint8Array;
}

/** A file that is no engine of this cache, in words; nothing of it is used. */
export interface PlanFault {
  fault: string;
}

const MAGIC = Buffer.from('QPVOENG1', 'latin1');
/** Magic, then the length of the header in bytes as a 32-bit little-endian number. */
const PREFIX = MAGIC.length + 4;
/** The plan begins on a multiple of this: TensorRT reads numbers from it where they lie. */
const ALIGNMENT = 64;
/** Far above any header: a damaged length must not make us read gigabytes. */
const LONGEST_HEADER = 1 << 16;

/** The content of a cache file: magic, length of the header, header as JSON with spaces behind it, plan. */
export function encodePlanFile(about: Omit<PlanHeader, 'planBytes' | 'planSha256'>, plan: Uint8Array): Buffer {
  const header: PlanHeader = { ...about, planBytes: plan.length, planSha256: checksum(plan) };
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const text = Buffer.alloc(Math.ceil((PREFIX + json.length) / ALIGNMENT) * ALIGNMENT - PREFIX, ' ');
  json.copy(text);
  const prefix = Buffer.alloc(PREFIX);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(text.length, MAGIC.length);
  return Buffer.concat([prefix, text, plan]);
}

/** Whole and undamaged, or why not: TensorRT need not survive anything else. */
export function decodePlanFile(content: Buffer): PlanFile | PlanFault {
  const start = decodeHeader(content);
  if ('fault' in start) return start;
  const { header, headerEnd } = start;
  const plan = content.subarray(headerEnd);
  if (plan.length !== header.planBytes)
    return { fault: `truncated: expected a plan of ${header.planBytes} bytes, found ${plan.length}` };
  if (checksum(plan) !== header.planSha256) return { fault: 'damaged: the checksum of the plan does not agree' };
  return { header, plan };
}

/** @param content the first bytes of a file, enough for its header */
export function decodeHeader(content: Buffer): { header: PlanHeader; headerEnd: number } | PlanFault {
  if (content.length < PREFIX || !content.subarray(0, MAGIC.length).equals(MAGIC))
    return { fault: 'not an engine file of qpvo' };
  const length = content.readUInt32LE(MAGIC.length);
  const headerEnd = PREFIX + length;
  if (length > LONGEST_HEADER || headerEnd > content.length) return { fault: 'truncated: its header is not whole' };
  try {
    const header = JSON.parse(content.toString('utf8', PREFIX, headerEnd)) as PlanHeader;
    if (typeof header.planBytes === 'number' && typeof header.planSha256 === 'string' && isKey(header.key))
      return { header, headerEnd };
  } catch {
    // Told below.
  }
  return { fault: 'damaged: its header cannot be read' };
}

/** Bytes that hold the header of any whole file. */
export const HEADER_BYTES = PREFIX + LONGEST_HEADER;

function isKey(key: unknown): boolean {
  return typeof key === 'object' && key !== null && typeof (key as EngineKey).inputs === 'object';
}
