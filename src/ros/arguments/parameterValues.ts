// SPDX-License-Identifier: MIT
import { type Document, isAlias, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';
import { QpvoError } from '../../error.ts';
import type { RosParameterValue } from '../RosNode.ts';

/** What a parameter file can hold; this node has no use for lists of texts or truths, other nodes in the same file may. */
export type FileValue = RosParameterValue | readonly string[] | readonly boolean[];

/** A YAML document and where its lines begin. */
export interface ParsedText {
  document: Document.Parsed;
  lines: LineCounter;
  /** For messages: the path of a file, or the argument. */
  origin: string;
}

/** Plain words that ROS reads as truth values besides true and false (YAML 1.1). */
const YES = /^(y|yes|on)$/i;
const NO = /^(n|no|off)$/i;

/** @throws QpvoError QPVO_PARAMETER when it is no YAML, with origin and line */
export function parseText(text: string, origin: string): ParsedText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const parsed = { document, lines, origin };
  const error = document.errors[0];
  if (error !== undefined) {
    throw refusal(parsed, error.pos[0], {
      what: `no YAML: ${error.message}`,
      advice: 'Check the indentation and quotes.',
    });
  }
  return parsed;
}

/** The value of a command-line parameter, typed by YAML as in a file; nothing is empty text. */
export function parseValue(text: string, origin: string): FileValue {
  const parsed = parseText(text, origin);
  return parsed.document.contents === null || text.trim() === '' ? '' : fileValue(parsed.document.contents, parsed);
}

/** @throws QpvoError QPVO_PARAMETER for anything but a truth value, number, text, or a list of one of them */
export function fileValue(node: Node | null, parsed: ParsedText, name = 'the value'): FileValue {
  const target = resolved(node, parsed);
  if (isSeq(target)) {
    const items = target.items.map((item) => plainValue(resolved(item as Node, parsed)));
    const kinds = new Set(items.map((item) => typeof item));
    if (kinds.size <= 1 && !kinds.has('undefined')) return items as unknown as FileValue;
    throw refusal(parsed, target.range?.[0], {
      what: name,
      expected: 'a list of values of one kind',
      received: String(target),
    });
  }
  const value = plainValue(target);
  if (value !== undefined) return value;
  throw refusal(parsed, target?.range?.[0], {
    what: name,
    expected: 'true or false, a number, text, or a list of them',
    received: target === null || (isScalar(target) && target.value === null) ? 'nothing' : String(target),
    advice: "Empty text is written ''.",
  });
}

export function resolved(node: Node | null, { document }: ParsedText): Node | null {
  return isAlias(node) ? ((node.resolve(document) as Node | undefined) ?? null) : node;
}

export function refusal(
  { lines, origin }: ParsedText,
  offset: number | undefined,
  parts: { what: string; expected?: string; received?: string; advice?: string },
): QpvoError {
  const line = offset === undefined ? 0 : lines.linePos(offset).line;
  const place = line > 0 ? `${origin}, line ${line}` : origin;
  return new QpvoError('QPVO_PARAMETER', { ...parts, what: `${place}: ${parts.what}` });
}

function plainValue(node: Node | null): boolean | number | string | undefined {
  if (!isScalar(node)) return undefined;
  const { value } = node;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && node.type === Scalar.PLAIN)
    return YES.test(value) || (NO.test(value) ? false : value);
  return typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string' ? value : undefined;
}
