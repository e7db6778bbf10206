// SPDX-License-Identifier: MIT
import { damaged } from './damaged.ts';
import { bytesPerElement, decodeElements, type ElementType } from './elements.ts';
import { PickleGlobal, readPickle } from './pickle.ts';
import { elementCount, type Weights, type WeightTensor } from './Weights.ts';
import { readZip } from './zip.ts';

const STORAGES: Record<string, ElementType> = {
  'torch.DoubleStorage': 'f64',
  'torch.FloatStorage': 'f32',
  'torch.HalfStorage': 'f16',
  'torch.BFloat16Storage': 'bf16',
  'torch.LongStorage': 'i64',
  'torch.IntStorage': 'i32',
  'torch.ShortStorage': 'i16',
  'torch.CharStorage': 'i8',
  'torch.ByteStorage': 'u8',
  'torch.BoolStorage': 'bool',
};

/** Keys under which training scripts put the state dict of the network. */
const NESTED = ['net', 'state_dict', 'model'];

interface Storage {
  type: ElementType;
  bytes: Buffer;
}

/**
 * Reads the state dict of a torch checkpoint (.pt, .pth; the zip form written since torch 1.6), at the top or under `net`, `state_dict`
 * or `model`. Only dicts, lists, numbers, strings and tensors are understood; a file that asks for anything else is refused.
 */
export function readTorch(bytes: Buffer, path: string): Weights {
  const members = readZip(bytes, path);
  const pickleName = [...members.keys()].find((name) => name.endsWith('/data.pkl') || name === 'data.pkl');
  if (pickleName === undefined)
    throw damaged(path, 'torch weights', 'data.pkl in the archive', [...members.keys()].slice(0, 5).join(' '));
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const root = readPickle(members.get(pickleName)!, path, {
    construct: (name, args) => construct(name, args, path),
    persistent: (id) => findStorage(id, members, folder, path),
  });
  return collect(root, path);
}

function construct(name: string, args: unknown[], path: string): unknown {
  switch (name) {
    case 'collections.OrderedDict':
      return new Map(Array.isArray(args[0]) ? (args[0] as [unknown, unknown][]) : []);
    case 'torch._utils._rebuild_tensor_v2':
      return rebuildTensor(args, path);
    case 'torch._utils._rebuild_parameter':
      return args[0];
    default:
      throw damaged(
        path,
        'torch weights',
        'tensors in plain containers (nothing in the file is executed)',
        `a call of ${name}`,
      );
  }
}

function findStorage(id: unknown, members: Map<string, Buffer>, folder: string, path: string): Storage {
  const [kind, storageType, key] = Array.isArray(id) ? id : [];
  const type = storageType instanceof PickleGlobal ? STORAGES[storageType.name] : undefined;
  const bytes = members.get(`${folder}data/${key}`);
  if (kind !== 'storage' || type === undefined || bytes === undefined) {
    const name = storageType instanceof PickleGlobal ? storageType.name : String(storageType);
    throw damaged(path, 'torch weights', 'a storage of numbers in the archive', `${kind} ${name} ${key}`);
  }
  return { type, bytes };
}

function rebuildTensor(args: unknown[], path: string): WeightTensor {
  const [storage, offset, shape, stride] = args as [Storage | undefined, unknown, unknown, unknown];
  if (!(storage?.bytes instanceof Buffer) || typeof offset !== 'number' || !isLengths(shape) || !isLengths(stride)) {
    throw damaged(path, 'torch weights', 'a tensor with storage, offset, shape and stride', 'other arguments');
  }
  const count = elementCount(shape);
  const size = bytesPerElement(storage.type);
  const contiguous = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  if (shape.some((length, axis) => length > 1 && stride[axis] !== contiguous[axis])) {
    throw damaged(path, 'torch weights', `a contiguous tensor of shape [${shape}]`, `strides [${stride}]`);
  }
  const bytes = storage.bytes.subarray(offset * size, (offset + count) * size);
  if (bytes.length !== count * size)
    throw damaged(path, 'torch weights', `${count} elements of a tensor`, `${bytes.length} bytes`);
  return { shape, data: decodeElements(bytes, storage.type) };
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function collect(root: unknown, path: string): Weights {
  let dict = root;
  for (const key of NESTED) {
    if (dict instanceof Map && dict.get(key) instanceof Map) dict = dict.get(key);
  }
  const weights: Weights = new Map();
  for (const [name, value] of dict instanceof Map ? dict : []) {
    if (isTensor(value)) weights.set(String(name), value);
  }
  if (weights.size === 0) throw damaged(path, 'torch weights', 'a dict of tensors', 'no tensor');
  return weights;
}

function isTensor(value: unknown): value is WeightTensor {
  return typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float32Array;
}
