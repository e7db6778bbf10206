// SPDX-License-Identifier: MIT
import { createHash, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, QpvoError } from '../error.ts';
import { checkManifestFields, invalidManifest } from './manifestFields.ts';
import { PART_FILES, type Part } from './modelParts.ts';
import type { CORRELATION_LAYOUT } from './onnx/correlationColumns.ts';
import type { ModelProvenance } from './provenance.ts';
import type { SCHEME } from './quantization/readScales.ts';
import type { NetworkSizes } from './weights/networkSizes.ts';

export type { Part } from './modelParts.ts';

export const MANIFEST_FILE = 'manifest.json';
/** Raised when a manifest of this version can no longer be read as one of the version before. */
export const MANIFEST_VERSION = 1;

const COPY_AGAIN = 'Copy or import the model again.';

export interface ModelFile {
  /** Name inside the model folder. */
  name: string;
  bytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
}

/** The windows a model was made for; see the parameters of the same names. */
export interface ModelWindows {
  patchesPerFrame: number;
  removalWindow: number;
  patchLifetime: number;
  optimizationWindow: number;
}

/** How the int8 parts of a model were made. */
export interface ModelQuantization {
  scheme: typeof SCHEME;
  /** Scale of the input of every quantized layer, by the layer's name; all other layers are in floating point. */
  inputScales: Record<string, number>;
}

/** What a model says about itself: manifest.json in its folder. */
export interface ModelManifest {
  version: typeof MANIFEST_VERSION;
  name: string;
  /** What it is good for, one sentence. */
  description: string;
  licence: string;
  /** Where the weights come from. */
  training: string;
  /** Absent when the weights came without it. */
  provenance?: ModelProvenance;
  parameters: number;
  sizes: NetworkSizes;
  /** Network image x = scale * I + offset for I in 0..255; channel order of colour images. */
  normalisation: { scale: number; offset: number; channels: 'grey' | 'bgr' };
  /** Order of the correlation vector, slowest axis first. */
  correlation: typeof CORRELATION_LAYOUT;
  windows: ModelWindows;
  /** Absent from a model without int8 parts. */
  quantization?: ModelQuantization;
  files: Partial<Record<Part, ModelFile>>;
}

/**
 * Reads and validates the manifest of a model folder. The files it names are not opened.
 * @throws QPVO_MODEL when there is none, or when it is not one of this version
 */
export function readManifest(folder: string): ModelManifest {
  const path = join(folder, MANIFEST_FILE);
  const value = parse(path);
  const version = value.version;
  if (version !== MANIFEST_VERSION) {
    throw new QpvoError('QPVO_MODEL', {
      what: `unknown version of ${path}`,
      expected: `version ${MANIFEST_VERSION}`,
      received: `${version}`,
      advice: 'Import the model again with this version of qpvo (qpvo import), or update qpvo.',
    });
  }
  checkManifestFields(value, path);
  return value as unknown as ModelManifest;
}

/**
 * Reads a file of a model and compares it with the manifest.
 * @throws QPVO_MODEL when the model has no such part, or the file is missing, of another length, or of other content
 */
export function readModelFile(folder: string, manifest: ModelManifest, part: Part): Uint8Array {
  const file = fileOf(manifest, part);
  const path = join(folder, file.name);
  const bytes = readBytes(path, `the ${part} of model ${manifest.name}`, COPY_AGAIN);
  checkLength(path, file, bytes.length);
  checkContent(path, file, checksum(bytes));
  return bytes;
}

/** The same as readModelFile off the JavaScript thread: files may have many megabytes. */
export async function loadModelFile(folder: string, manifest: ModelManifest, part: Part): Promise<Uint8Array> {
  const file = fileOf(manifest, part);
  const path = join(folder, file.name);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, `the ${part} of model ${manifest.name}`, COPY_AGAIN, cause);
  });
  checkLength(path, file, bytes.length);
  checkContent(path, file, Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex'));
  return bytes;
}

function fileOf(manifest: ModelManifest, part: Part): ModelFile {
  const file = manifest.files[part];
  if (file !== undefined) return file;
  throw new QpvoError('QPVO_MODEL', {
    what: `model ${manifest.name} has no part "${part}"`,
    expected: PART_FILES[part],
    received: `only ${Object.keys(manifest.files).join(', ')}`,
    advice: 'Import the model again.',
  });
}

function checkLength(path: string, file: ModelFile, length: number): void {
  if (length === file.bytes) return;
  throw new QpvoError('QPVO_MODEL', {
    what: `${path} is truncated or of another model`,
    expected: `${file.bytes} bytes`,
    received: `${length}`,
    advice: COPY_AGAIN,
  });
}

function checkContent(path: string, file: ModelFile, sha256: string): void {
  if (sha256 === file.sha256) return;
  throw new QpvoError('QPVO_MODEL', {
    what: `${path} is damaged`,
    expected: `sha256 ${file.sha256}`,
    received: sha256,
    advice: COPY_AGAIN,
  });
}

/** Lower-case hexadecimal SHA-256. */
export function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function parse(path: string): Record<string, unknown> {
  const bytes = readBytes(
    path,
    'the model manifest',
    'Give the name of a model that comes with qpvo, or a model folder made by qpvo import.',
  );
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new QpvoError('QPVO_MODEL', {
      what: `${path} is no JSON`,
      received: messageOf(cause),
      advice: COPY_AGAIN,
      cause,
    });
  }
  throw invalidManifest(path, 'an object', 'another value');
}

function readBytes(path: string, content: string, advice: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, content, advice, cause);
  }
}

function unreadable(path: string, content: string, advice: string, cause: unknown): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `cannot read ${content}`,
    expected: path,
    received: messageOf(cause),
    advice,
    cause,
  });
}
