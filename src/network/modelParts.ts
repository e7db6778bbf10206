// SPDX-License-Identifier: MIT

/** The parts a model consists of. `update` is absent from a model that only holds encoders; `weights` and `golden` are for tests and tools. */
export const PARTS = ['features', 'context', 'update', 'weights', 'golden'] as const;
export type Part = (typeof PARTS)[number];
