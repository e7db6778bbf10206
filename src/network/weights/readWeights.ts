// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { messageOf, QpvoError } from '../../error.ts';
import { readNpz } from './npz.ts';
import { readSafetensors } from './safetensors.ts';
import { readTorch } from './torch.ts';
import type { Weights } from './Weights.ts';

/**
 * Reads the tensors of a weights file, its kind told by content: torch .pt / .pth, NumPy .npz or .safetensors.
 * Names lose a leading `module.`; the vestigial `update.lmbda.*` of the published checkpoint is dropped.
 */
export function readWeights(path: string): Weights {
  const bytes = readBytes(path);
  return normaliseNames(decode(bytes, path));
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new QpvoError('QPVO_NOT_FOUND', {
      what: 'cannot read the weights file',
      expected: 'a .pt, .pth, .npz or .safetensors file',
      received: messageOf(cause),
      advice: 'Check the path.',
      cause,
    });
  }
}

function decode(bytes: Buffer, path: string): Weights {
  if (bytes.length >= 4 && bytes.readUInt32BE(0) === 0x504b0304) {
    return bytes.includes('data.pkl') ? readTorch(bytes, path) : readNpz(bytes, path);
  }
  if (bytes.length > 8 && bytes[8] === 0x7b) return readSafetensors(bytes, path);
  throw new QpvoError('QPVO_MODEL', {
    what: `unknown kind of weights file ${path}`,
    expected: 'torch .pt / .pth (zip form), .npz or .safetensors',
    received: `${bytes.length} bytes beginning with ${bytes.toString('hex', 0, 8) || 'nothing'}`,
    advice: 'Save an old torch checkpoint again with torch.save(state_dict, path) of torch 1.6 or newer.',
  });
}

function normaliseNames(weights: Weights): Weights {
  const result: Weights = new Map();
  for (const [name, tensor] of weights) {
    const short = name.replace(/^module\./, '');
    if (!short.startsWith('update.lmbda.')) result.set(short, tensor);
  }
  return result;
}
