// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { nanosecondsOf, stampFromSecondsText } from '../messages/stamps.ts';
import { stemOf } from './imageFiles.ts';

/** From this many digits on a whole number is a time in nanoseconds (since 1973), below it is a frame number. */
const NANOSECOND_DIGITS = 17;

/**
 * Stamps from file names when all of them are times: nanoseconds (1403638538577829376.png) or seconds with a decimal point
 * (1305031102.175304.png); otherwise frame i is at i / rate.
 */
export function stampsFromNames(names: readonly string[], rateHz: number): bigint[] {
  const stems = names.map(stemOf);
  if (stems.every((stem) => /^\d+$/.test(stem) && stem.length >= NANOSECOND_DIGITS)) return stems.map(BigInt);
  if (stems.every((stem) => /^\d+\.\d+$/.test(stem))) return stems.map(stampFromSecondsText);
  return names.map((_, index) => nanosecondsOf(index / rateHz));
}

/**
 * Stamps from the lines of a times.txt: one time a line in the order of the images (KITTI), or a line per image with its name or stem beside the
 * time (TUM), in either order. Times are seconds, or nanoseconds when they are long whole numbers. "#" begins a comment.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when lines and images do not match
 */
export function stampsFromList(list: string, names: readonly string[], path: string): bigint[] {
  const lines = list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/[\s,]+/));
  if (lines.every((cells) => cells.length === 1)) {
    if (lines.length !== names.length) throw mismatch(path, `${lines.length} lines for ${names.length} images`);
    return lines.map((cells) => stampOf(cells[0]!, path));
  }
  const stems = new Set(names.map(stemOf));
  const byStem = new Map<string, bigint>();
  for (const cells of lines) {
    const at = cells.findIndex((cell) => stems.has(stemOf(cell)));
    if (at === 0 || at === 1) byStem.set(stemOf(cells[at]!), stampOf(cells[1 - at] ?? '', path));
  }
  return names.map((name) => {
    const stamp = byStem.get(stemOf(name));
    if (stamp === undefined) throw mismatch(path, `no line for ${name}`);
    return stamp;
  });
}

function stampOf(text: string, path: string): bigint {
  if (/^\d+$/.test(text) && text.length >= NANOSECOND_DIGITS) return BigInt(text);
  try {
    return stampFromSecondsText(text);
  } catch {
    throw mismatch(path, `${JSON.stringify(text.slice(0, 40))} where a time should be`);
  }
}

function mismatch(path: string, received: string): QpvoError {
  return new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: `${path} does not fit the images`,
    expected: 'one time for each image: a line each in their order, or lines of file name and time',
    received,
    advice: 'Correct or remove the file; without it stamps come from the file names or the rate in camera.yaml.',
  });
}
