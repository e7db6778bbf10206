// SPDX-License-Identifier: MIT
import type { Spread } from '../evaluation/spread.ts';

/** A value of a table; numbers that are not whole are shown with three significant digits or more. */
export type Cell = string | number | undefined;

/** Text of a table: the first column to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, ...rows].map((row) => header.map((_, column) => cellText(row[column])));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const format = (line: readonly string[]): string =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  const [first, ...rest] = lines.map(format);
  return [first, widths.map((width) => '-'.repeat(width)).join('  '), ...rest].join('\n');
}

function cellText(cell: Cell): string {
  if (cell === undefined) return '';
  return typeof cell === 'string' ? cell : numberText(cell);
}

/** 5, 1234, 123, 12.3, 1.23, 0.123, 0.0123 */
export function numberText(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const digits = 2 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(4, Math.max(0, digits)));
}

/** "0.123 (0.100 to 0.200)"; a dash for runs without a result */
export function spreadText(spread: Spread): string {
  const text = (value: number): string => (Number.isFinite(value) ? numberText(value) : '-');
  if (spread.min === spread.max) return text(spread.median);
  return `${text(spread.median)} (${text(spread.min)} to ${text(spread.max)})`;
}

/** "0.953 x" */
export function ratioText(ratio: number): string {
  return `${numberText(ratio)} x`;
}

/** "1 run", "2 runs" */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
