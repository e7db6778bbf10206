// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { Profile } from '../config/Profile.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import type { Spread } from '../evaluation/spread.ts';
import type { ModelFile, ModelManifest } from '../network/manifest.ts';
import type { TensorShapes } from '../network/networkMacs.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import type { Stage } from '../odometry/types.ts';
import type { RunSummary } from '../outputs/RunSummary.ts';
import type { MeasureName } from './measures.ts';
import type { Verdict } from './verdict.ts';

/** A profile that takes part, settled. The first one is what the others are measured against. */
export interface Contender {
  profile: Profile;
  manifest: ModelManifest;
  /** With the settings of the comparison; the seed is that of each run. */
  parameters: OdometryParameters;
  shapes: TensorShapes;
  /** What the profile reads of the model. */
  files: readonly ModelFile[];
}

/** A recording on which the profiles are compared. */
export interface ComparedSequence {
  /** Unique among the sequences. */
  name: string;
  /** As it was given. */
  source: string;
  calibration: CameraCalibration;
  /** T_world_camera, metres. */
  groundTruth: readonly StampedPose[] | undefined;
}

/** A run to be made, or made. */
export interface PlannedRun {
  sequence: string;
  profile: string;
  seed: number;
}

/** A run that was made. */
export interface ComparedRun extends PlannedRun {
  /** Of its trajectory.tum. */
  folder: string;
  /** Absent when the run failed. */
  summary?: RunSummary;
  /** Why it failed, in words. */
  failure?: string;
}

/** What a comparison was asked to do. */
export interface ComparisonPlan {
  contenders: readonly Contender[];
  sequences: readonly ComparedSequence[];
  /** Seeds are 0 .. seeds - 1. */
  seeds: number;
  /** Runs at once; with more than one, times are not compared. */
  jobs: number;
}

/** What an error is measured in: metres against ground truth, or percent of the path of the first profile's trajectory. */
export type ErrorUnit = 'm' | '% of path';

/** Numbers of one run; what is not known is absent. */
export interface RunMeasures extends PlannedRun {
  values: Partial<Record<MeasureName, number>>;
  stagesMs: Partial<Record<Stage, number>>;
  failure?: string;
}

/** All runs of one profile on one sequence. */
export interface ProfileResult {
  profile: string;
  /** Runs made, those that failed among them. */
  runs: number;
  failures: string[];
  measures: Partial<Record<MeasureName, Spread>>;
  /** Medians over the runs of the medians over the frames. */
  stagesMs: Partial<Record<Stage, number>>;
  /** Median over median of the first profile; absent for the first one, and where one of them is not known or zero. */
  ratios: Partial<Record<MeasureName, number>>;
  /** Absent for the first profile. */
  verdict?: Verdict;
}

export interface SequenceResult {
  name: string;
  source: string;
  errorUnit: ErrorUnit;
  /** One for each profile with at least one run, in the order in which they were given. */
  profiles: ProfileResult[];
  runs: RunMeasures[];
}

export interface Comparison {
  seeds: number;
  jobs: number;
  planned: number;
  /** Runs made. */
  made: number;
  profiles: (Pick<Profile, 'name' | 'description' | 'device' | 'runtime' | 'precision'> & { model: string })[];
  sequences: SequenceResult[];
}
