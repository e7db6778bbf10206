// SPDX-License-Identifier: MIT
import { type Spread, spreadOf } from '../evaluation/spread.ts';
import { numberText } from './textTable.ts';

/** How much greater than the median of the first profile an error may be where its seeds differ less. */
export const MARGIN = 0.05;

/** Percentage points of the frames that a profile may track less than the least of the first profile's runs: an error over fewer frames is an easier one. */
export const TRACKING_MARGIN = 1;

/**
 * Whether the median error of a profile stays within the spread of the seeds of the first one, or within 5 % of its median, whichever is larger, over about as
 * many frames.
 */
export interface Verdict {
  verdict: 'within' | 'BEYOND' | 'not judged';
  /** Greatest median error that is allowed; absent when the first profile has none to go by. */
  limit?: number;
  /** What sets the limit. */
  by?: 'spread' | 'margin';
  /** Why, for people. */
  text: string;
}

export interface Judged {
  profile: string;
  /** Of all runs; a run without a trajectory counts as greater than any error. */
  error: Spread | undefined;
  trackedPercent: Spread | undefined;
}

/**
 * @param first the first profile; runs of it that have no error do not widen its spread
 * @param name of the error, such as "ATE"
 */
export function judge(
  candidate: Judged,
  first: Judged & { errors: readonly number[] },
  name: string,
  unit: string,
): Verdict {
  const who = `${candidate.profile} against ${first.profile}`;
  const { errors } = first;
  if (errors.length === 0 || candidate.error === undefined) {
    const missing = errors.length === 0 ? first.profile : candidate.profile;
    return { verdict: 'not judged', text: `${who}: ${missing} has no run with an error to go by` };
  }
  const { median, max: greatest } = spreadOf(errors);
  const by = greatest >= (1 + MARGIN) * median ? 'spread' : 'margin';
  const limit = by === 'spread' ? greatest : (1 + MARGIN) * median;
  const measured = candidate.error.median;
  const lack = trackingLack(candidate, first);
  const verdict = measured <= limit && lack === '' ? 'within' : 'BEYOND';
  const value = (error: number): string => (Number.isFinite(error) ? `${numberText(error)} ${unit}` : 'none');
  const why =
    by === 'spread'
      ? `the greatest of the seeds of ${first.profile}`
      : `the median of ${first.profile} + ${100 * MARGIN} %`;
  const text = `${who}: median ${name} ${value(measured)}, allowed ${value(limit)} (${why})${lack}`;
  return { verdict, limit, by, text };
}

/** What it tracks too little, for people; empty when it tracks enough. */
function trackingLack(candidate: Judged, first: Judged): string {
  const [own, other] = [candidate.trackedPercent, first.trackedPercent];
  if (own === undefined || other === undefined || own.median >= other.min - TRACKING_MARGIN) return '';
  return `; it tracks ${numberText(own.median)} % of the frames, allowed from ${numberText(other.min - TRACKING_MARGIN)} % (the least of the seeds of ${first.profile} - ${TRACKING_MARGIN})`;
}
