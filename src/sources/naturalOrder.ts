// SPDX-License-Identifier: MIT

const collator = new Intl.Collator('en', { numeric: true });

/** Order of file names in which bag_2 comes before bag_10. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b);
}
