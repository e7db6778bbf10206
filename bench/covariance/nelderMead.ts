// SPDX-License-Identifier: MIT

/** Stops when the values of the simplex agree to this share. */
const TOLERANCE = 1e-6;

interface Vertex {
  at: number[];
  value: number;
}

/** The place where f is least near the start, by the simplex method of Nelder and Mead (1965). `step` is the first length of its edges. */
export function nelderMead(
  f: (at: readonly number[]) => number,
  start: readonly number[],
  step: number,
  evaluations: number,
): number[] {
  const vertex = (at: number[]): Vertex => ({ at, value: f(at) });
  const simplex = [vertex([...start]), ...start.map((_, i) => vertex(start.map((v, k) => (k === i ? v + step : v))))];
  for (let used = simplex.length; used < evaluations; used += 2) {
    simplex.sort((a, b) => a.value - b.value);
    const [best, worst] = [simplex[0]!, simplex.at(-1)!];
    if (worst.value - best.value <= TOLERANCE * Math.abs(best.value)) break;
    const rest = simplex.slice(0, -1);
    const centre = start.map((_, i) => rest.reduce((sum, { at }) => sum + at[i]!, 0) / rest.length);
    const along = (share: number): Vertex => vertex(centre.map((c, i) => c + share * (worst.at[i]! - c)));
    const reflected = along(-1);
    let next = reflected;
    if (reflected.value < best.value) {
      const expanded = along(-2);
      if (expanded.value < reflected.value) next = expanded;
    } else if (reflected.value >= rest.at(-1)!.value) {
      next = along(reflected.value < worst.value ? -0.5 : 0.5);
    }
    if (next.value < worst.value) simplex[simplex.length - 1] = next;
    else for (let i = 1; i < simplex.length; i++) simplex[i] = vertex(midpoint(simplex[i]!.at, best.at));
  }
  return simplex.toSorted((a, b) => a.value - b.value)[0]!.at;
}

function midpoint(a: readonly number[], b: readonly number[]): number[] {
  return a.map((v, i) => (v + b[i]!) / 2);
}
