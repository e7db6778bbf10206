// SPDX-License-Identifier: MIT
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';

/** Order of the correlation vector that our ops write, slowest axis first. */
export const CORRELATION_LAYOUT = '[level][py][px][dy][dx]';

/** For each element in our order, its place in the published order [dx][dy][py][px][level]. */
export function correlationColumns(sizes: NetworkSizes): Int32Array {
  const { patchSize, radius, levels } = sizes;
  const window = 2 * radius + 1;
  const columns = new Int32Array(correlationLength(sizes));
  let at = 0;
  for (let level = 0; level < levels.length; level++) {
    for (let py = 0; py < patchSize; py++) {
      for (let px = 0; px < patchSize; px++) {
        for (let dy = 0; dy < window; dy++) {
          for (let dx = 0; dx < window; dx++) {
            columns[at++] = (((dx * window + dy) * patchSize + py) * patchSize + px) * levels.length + level;
          }
        }
      }
    }
  }
  return columns;
}
