// SPDX-License-Identifier: MIT
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import protobuf from 'protobufjs/minimal.js';

/** Field numbers of onnx.ModelProto, GraphProto and NodeProto. */
const GRAPH = 7;
const NODE = 1;
const TYPE = 4;

/** Types of the nodes that onnxruntime has left of a model after all its optimisations, with how many there are of each. */
export async function optimisedOperators(model: Uint8Array, folder: string): Promise<Record<string, number>> {
  const path = join(folder, 'optimised.onnx');
  // It warns that the file fits this processor only.
  const session = await ort.InferenceSession.create(model, { optimizedModelFilePath: path, logSeverityLevel: 3 });
  await session.release();
  const counts: Record<string, number> = {};
  for (const type of nodeTypes(readFileSync(path))) counts[type] = (counts[type] ?? 0) + 1;
  rmSync(path);
  return counts;
}

function nodeTypes(bytes: Uint8Array): string[] {
  const [graph] = fields(bytes, GRAPH);
  return fields(graph!, NODE).map((node) => Buffer.from(fields(node, TYPE)[0]!).toString('utf8'));
}

/** Contents of all fields of that number in a message. */
function fields(message: Uint8Array, number: number): Uint8Array[] {
  const reader = protobuf.Reader.create(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === number) found.push(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return found;
}
