// SPDX-License-Identifier: MIT
import type { TrackingState } from '../../src/odometry/types.ts';
import type { CaseFacts } from './Case.ts';
import type { TrajectoryErrors } from './trajectoryErrors.ts';

/** Who ran: the product, or the floor that it is compared with. */
export type Contender = 'qpvo' | 'floor';

/** What runs, apart from the case and the seed. */
export interface Runner {
  contender: Contender;
  profile: string;
  model: string;
  /** Of the networks, or of the program of the floor; hexadecimal. */
  checksum: string;
  /** Checksum of the parameters, seed and threads apart. */
  settings: string;
}

/** One run of one case with one seed. */
export interface RunRecord extends Runner, CaseFacts {
  key: string;
  seed: number;
  /** Commit of the project at the time of the run; "+" when files differed from it. */
  commit: string;
  /** Images given to the odometry and used by it. */
  consumed: number;
  withPose: number;
  segments: number;
  states: Partial<Record<TrackingState, number>>;
  /** More than one segment, LOST at any time, or no pose at all. */
  lost: boolean;
  /** Absent when no trajectory could be compared with the ground truth. */
  errors?: TrajectoryErrors;
  /** Absent when several runs shared the machine. */
  fps?: number;
  /** Why there is no result: the process ended with an error. */
  failure?: string;
}

/** Two runs with the same key give the same trajectory on the same machine. */
export function runKey(runner: Runner, facts: CaseFacts, seed: number): string {
  const { contender, profile, settings, model, checksum } = runner;
  const limit = facts.limitedTo === undefined ? '' : `/frames${facts.limitedTo}`;
  const where = `${facts.sequence}/start${facts.startFrame}/stride${facts.stride}`;
  return `${contender}/${where}/${profile}@${settings}/${model}@${checksum}/seed${seed}${limit}`;
}

/** The part of a key that all seeds share. */
export function caseKey({ key, seed }: Pick<RunRecord, 'key' | 'seed'>): string {
  return key.replace(`/seed${seed}`, '');
}

/**
 * What an earlier bench leaves for this one. Of a model that is measured now, only runs with its weights of now are kept, and with the parameters of
 * now where the profile is the same; of other models everything. Failed runs are run again.
 */
export function keptRuns(earlier: readonly RunRecord[], runners: readonly Runner[]): RunRecord[] {
  return earlier.filter((run) => {
    const same = runners.filter(({ contender, model }) => contender === run.contender && model === run.model);
    const isOfNow = (now: Runner): boolean =>
      now.checksum === run.checksum && (now.profile !== run.profile || now.settings === run.settings);
    return run.failure === undefined && same.every(isOfNow);
  });
}
