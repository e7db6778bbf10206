// SPDX-License-Identifier: MIT
import { nodeMatches } from './nodeMatches.ts';
import { matchParameterFile, readParameterFile } from './parameterFile.ts';
import type { FileValue } from './parameterValues.ts';
import type { RosArguments } from './parseRosArguments.ts';

/**
 * Everything that the arguments set for a node: its parameter files in their order, a later one winning, then -p and --param, which win over files.
 *
 * @param fullName with its namespace: "/front/qpvo"
 * @throws QpvoError QPVO_PARAMETER for a file that cannot be read, with file and line
 */
export function nodeOverrides(found: RosArguments, fullName: string): Map<string, FileValue> {
  const values = new Map<string, FileValue>();
  for (const path of found.parameterFiles) {
    for (const [name, value] of matchParameterFile(readParameterFile(path), fullName)) values.set(name, value);
  }
  for (const { node, name, value } of found.parameters) {
    if (node === undefined || nodeMatches(node, fullName)) values.set(name, value);
  }
  return values;
}
