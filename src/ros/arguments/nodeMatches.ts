// SPDX-License-Identifier: MIT

/**
 * Whether the name of a section in a parameter file means a node. `*` stands for one part of the name, `**` for any number of them; a bare name means the node in every
 * namespace; "ns/name" is "/ns/name".
 *
 * @param fullName with its namespace: "/front/qpvo"
 */
export function nodeMatches(pattern: string, fullName: string): boolean {
  const name = fullName.split('/').filter(Boolean);
  const parts = pattern.split('/').filter(Boolean);
  if (parts.length === 1 && !pattern.startsWith('/') && !pattern.includes('*')) return parts[0] === name.at(-1);
  return partsMatch(parts, name);
}

function partsMatch(pattern: readonly string[], name: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (first === undefined) return name.length === 0;
  if (first === '**') return name.some((_, i) => partsMatch(others, name.slice(i))) || partsMatch(others, []);
  return name.length > 0 && (first === '*' || first === name[0]) && partsMatch(others, name.slice(1));
}
