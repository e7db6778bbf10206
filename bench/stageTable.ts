// SPDX-License-Identifier: MIT
import { table } from '../src/compare/textTable.ts';
import type { Stage } from '../src/odometry/types.ts';
import { type Ceilings, floorOf } from './ceilings.ts';
import { bookkeepingMs, type FrameRecord } from './FrameRecord.ts';
import {
  bundleAdjustCost,
  type Cost,
  contextEncoderCost,
  correlationCost,
  type FrameWork,
  featureEncoderCost,
  insertCost,
  prepareCost,
  sumOf,
  updateCost,
} from './stageCosts.ts';
import { medianOf } from './statistics.ts';

/** A stage of the pipeline against what the machine could do at best. */
export interface StageRow {
  stage: string;
  medianMs: number;
  cost?: Cost;
  floorMs?: number;
  floorBy?: 'arithmetic' | 'memory';
  /** Measured / floor. */
  ratio?: number;
}

const COSTS: Partial<Record<Stage, (work: FrameWork) => Cost>> = {
  prepare: prepareCost,
  encode: (work) => sumOf(featureEncoderCost(work), contextEncoderCost(work)),
  insert: insertCost,
  correlate: correlationCost,
  update: updateCost,
  bundleAdjust: bundleAdjustCost,
};

const TRACKED: readonly Stage[] = ['prepare', 'encode', 'insert', 'correlate', 'update', 'bundleAdjust', 'commit'];

/** Medians over the frames by stage, with floors. `bookkeeping` is TypeScript alone and overlaps the stages that hold it, commit above all. */
export function stageRows(
  frames: readonly FrameRecord[],
  waitMs: number,
  work: FrameWork,
  ceilings: Ceilings,
): StageRow[] {
  const rows: StageRow[] = [{ stage: 'wait for the source', medianMs: waitMs }];
  for (const stage of TRACKED) {
    const medianMs = medianOf(frames.map(({ stagesMs }) => stagesMs[stage] ?? 0));
    const cost = COSTS[stage]?.(work);
    rows.push({ stage, medianMs, ...(cost === undefined ? {} : against(cost, medianMs, ceilings)) });
  }
  rows.push({ stage: 'bookkeeping', medianMs: medianOf(frames.map(bookkeepingMs)) });
  return rows;
}

function against(cost: Cost, medianMs: number, ceilings: Ceilings): Omit<StageRow, 'stage' | 'medianMs'> {
  const floor = floorOf(cost, ceilings);
  return { cost, floorMs: floor.ms, floorBy: floor.by, ratio: medianMs / floor.ms };
}

export function stageText(rows: readonly StageRow[]): string {
  return table(
    ['stage', 'median ms', 'MMAC', 'MB', 'floor ms', 'set by', 'measured / floor'],
    rows.map(({ stage, medianMs, cost, floorMs, floorBy, ratio }) => [
      stage,
      medianMs,
      cost && cost.mac / 1e6,
      cost && cost.bytes / 1e6,
      floorMs,
      floorBy,
      ratio,
    ]),
  );
}
