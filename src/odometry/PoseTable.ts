// SPDX-License-Identifier: MIT
import type { Pose } from './Pose.ts';

/** Poses T_camera_world by ring slot, over host memory of the device: [R][7] t xyz, q xyzw. */
export class PoseTable {
  readonly #data: Float64Array;
  readonly #onSet: (slot: number) => void;

  /** @param onSet told of every slot whose pose was written */
  constructor(data: Float64Array, onSet: (slot: number) => void = () => {}) {
    this.#data = data;
    this.#onSet = onSet;
  }

  get(slot: number): Pose {
    const d = this.#data;
    const i = 7 * slot;
    return { t: [d[i]!, d[i + 1]!, d[i + 2]!], q: [d[i + 3]!, d[i + 4]!, d[i + 5]!, d[i + 6]!] };
  }

  set(slot: number, pose: Pose): void {
    this.#data.set([...pose.t, ...pose.q], 7 * slot);
    this.#onSet(slot);
  }
}
