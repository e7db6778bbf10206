// SPDX-License-Identifier: MIT

export interface Curve {
  x: number[];
  y: number[];
}

/**
 * Fewer points for the same picture: in each of `buckets` runs of points the lowest and the highest stay, in their order, so peaks are not lost. The first
 * point of a gap (a y that is not finite) stays too.
 */
export function thin(curve: Curve, buckets: number): Curve {
  const count = curve.x.length;
  if (count <= 2 * buckets) return curve;
  const keep = new Set<number>();
  for (let bucket = 0; bucket < buckets; bucket++) {
    const first = Math.floor((bucket * count) / buckets);
    const last = Math.floor(((bucket + 1) * count) / buckets);
    let low = -1;
    let high = -1;
    for (let i = first; i < last; i++) {
      const y = curve.y[i]!;
      if (!Number.isFinite(y)) {
        if (i === 0 || Number.isFinite(curve.y[i - 1])) keep.add(i);
        continue;
      }
      if (low < 0 || y < curve.y[low]!) low = i;
      if (high < 0 || y > curve.y[high]!) high = i;
    }
    if (low >= 0) keep.add(low).add(high);
  }
  const kept = [...keep].sort((a, b) => a - b);
  return { x: kept.map((i) => curve.x[i]!), y: kept.map((i) => curve.y[i]!) };
}

/** At most `count` indices of a list, evenly spread, with the first and the last. */
export function spread(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / (count - 1)));
}
