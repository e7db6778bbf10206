// SPDX-License-Identifier: MIT
import type { ErrorCode } from '../../error.ts';
import type { ImageFrame } from '../../sources/Source.ts';
import type { OdometryOptions } from '../PatchOdometry.ts';

/** What the process of an odometry is asked: the calls of PatchOdometry, first of all to make it. */
export type Call =
  | { call: 'open'; options: OdometryOptions }
  | { call: 'track'; frame: ImageFrame }
  | { call: 'restart' }
  | { call: 'view' }
  | { call: 'close' };

/** Requests are answered one after the other, in the order they came. */
export type Request = Call & { id: number };

/** An error that crossed from one process to another. */
export interface Failure {
  /** Of a QpvoError; undefined for defects of the program. */
  code: ErrorCode | undefined;
  message: string;
  stack: string | undefined;
}

/** residentBytes: memory of the answering process. */
export type Reply = { id: number; residentBytes: number } & ({ value: unknown } | { failure: Failure });
