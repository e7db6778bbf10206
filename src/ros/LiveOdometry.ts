// SPDX-License-Identifier: MIT
import type { PatchOdometry } from '../odometry/PatchOdometry.ts';

/** The part of PatchOdometry that a live node needs. */
export type LiveOdometry = Pick<PatchOdometry, 'track' | 'restart' | 'view' | 'close'>;
