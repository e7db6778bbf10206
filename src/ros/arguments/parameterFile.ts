// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { isMap, isScalar, type Node, type YAMLMap } from 'yaml';
import { messageOf, QpvoError } from '../../error.ts';
import { nodeMatches } from './nodeMatches.ts';
import { type FileValue, fileValue, type ParsedText, parseText, refusal, resolved } from './parameterValues.ts';

/** The values under one `ros__parameters`. */
export interface ParameterSection {
  /** The names above it, joined: "/front/qpvo", "qpvo", "/**". */
  node: string;
  /** By full names: "a.b" for b inside a. */
  values: ReadonlyMap<string, FileValue>;
}

const PARAMETERS_KEY = 'ros__parameters';

/** @throws QpvoError QPVO_PARAMETER when it cannot be read, with file and line */
export function readParameterFile(path: string): ParameterSection[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new QpvoError('QPVO_PARAMETER', {
      what: `cannot read the parameter file ${path}`,
      received: messageOf(error),
      advice: 'Check the path after --params-file.',
      cause: error,
    });
  }
  return parseParameterFile(text, path);
}

/**
 * The sections of a parameter file in their order; namespaces may be nested.
 *
 * @param origin the path, for messages
 * @throws QpvoError QPVO_PARAMETER with file and line
 */
export function parseParameterFile(text: string, origin: string): ParameterSection[] {
  const parsed = parseText(text, origin);
  const { contents } = parsed.document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  const sections: ParameterSection[] = [];
  collectSections(asMap(contents, 'the file', parsed), '', parsed, sections);
  return sections;
}

/**
 * What sections say about a node. Sections with wildcards come first, so that those that name the node win; among equals the later one wins. (rcl takes the pure order of the
 * file; written from general to special, as usual, both agree.)
 *
 * @param fullName with its namespace: "/front/qpvo"
 */
export function matchParameterFile(sections: readonly ParameterSection[], fullName: string): Map<string, FileValue> {
  const matching = sections.filter(({ node }) => nodeMatches(node, fullName));
  const isGeneral = ({ node }: ParameterSection) => node.includes('*');
  const inOrder = [...matching.filter(isGeneral), ...matching.filter((section) => !isGeneral(section))];
  return new Map(inOrder.flatMap(({ values }) => [...values]));
}

function collectSections(map: YAMLMap, path: string, parsed: ParsedText, sections: ParameterSection[]): void {
  for (const { key, value } of entriesOf(map, parsed)) {
    if (key === PARAMETERS_KEY) {
      if (path === '') {
        throw refusal(parsed, map.range?.[0], {
          what: `${PARAMETERS_KEY} without a node`,
          expected: `a node name above it, such as "/**:" or "qpvo:"`,
        });
      }
      const values = new Map<string, FileValue>();
      if (!isEmpty(value)) collectValues(asMap(value, PARAMETERS_KEY, parsed), '', parsed, values);
      sections.push({ node: path, values });
    } else {
      const inner = path === '' ? key : `${path}/${key}`;
      collectSections(asMap(value, inner, parsed), inner.replace(/\/{2,}/g, '/'), parsed, sections);
    }
  }
}

function collectValues(map: YAMLMap, path: string, parsed: ParsedText, values: Map<string, FileValue>): void {
  for (const { key, value } of entriesOf(map, parsed)) {
    const name = `${path}${key}`;
    if (isMap(value)) collectValues(value, `${name}.`, parsed, values);
    else values.set(name, fileValue(value, parsed, `parameter ${name}`));
  }
}

function entriesOf(map: YAMLMap, parsed: ParsedText): { key: string; value: Node | null }[] {
  return map.items.map(({ key, value }) => ({
    key: String(isScalar(key) ? key.value : key),
    value: resolved(value as Node | null, parsed),
  }));
}

function isEmpty(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function asMap(node: Node | null, name: string, parsed: ParsedText): YAMLMap {
  if (isMap(node)) return node;
  throw refusal(parsed, node?.range?.[0], {
    what: name,
    expected: `a mapping: node names, then ${PARAMETERS_KEY}, then names and values`,
    received: isEmpty(node) ? 'nothing' : String(node),
  });
}
