// SPDX-License-Identifier: MIT
import { element, escapeText } from './svg.ts';

const MOST_ROWS = 25;

export interface Column {
  name: string;
  /** `spare` columns are left out on a phone. */
  kind: 'text' | 'number' | 'number spare';
}

/** Rows beyond the first `mostRows` are only counted. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], mostRows = MOST_ROWS): string {
  const headRow = columns.map(({ name, kind }) => element('th', { scope: 'col', class: kind }, escapeText(name)));
  const body = rows
    .slice(0, mostRows)
    .map((row) =>
      element('tr', {}, ...columns.map(({ kind }, k) => element('td', { class: kind }, escapeText(row[k] ?? '')))),
    );
  const more = rows.length > mostRows ? element('p', { class: 'note' }, `and ${rows.length - mostRows} more`) : '';
  const whole = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...headRow)),
    element('tbody', {}, ...body),
  );
  return element('div', { class: 'scroll' }, whole) + more;
}

export const text = (name: string): Column => ({ name, kind: 'text' });
export const number = (name: string): Column => ({ name, kind: 'number' });
export const spare = (name: string): Column => ({ name, kind: 'number spare' });
