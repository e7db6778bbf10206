// SPDX-License-Identifier: MIT
import type { PartEvaluation } from '../../evaluation/evaluateTrajectory.ts';
import { formatStep, signed } from '../../evaluation/formatEvaluation.ts';
import type { RelativeError } from '../../evaluation/rpe.ts';
import { number, spare, table, text } from './htmlTable.ts';
import type { ReportModel } from './ReportModel.ts';
import { element } from './svg.ts';

/** ATE of the whole and of each segment. */
export function ateTable(model: ReportModel): string {
  const { evaluation } = model;
  if (!evaluation) return '';
  const several = evaluation.segments.length > 1;
  const rows = [
    partRow(several ? 'all at once' : 'all', evaluation.overall),
    ...(several
      ? evaluation.segments.map((entry) =>
          'part' in entry
            ? partRow(`segment ${entry.segment}`, entry.part)
            : [`segment ${entry.segment}`, String(entry.pairs), '\u2013', entry.failure, '', '', '', ''],
        )
      : []),
  ];
  return table(
    [
      text(''),
      spare('poses'),
      number('path m'),
      number('RMSE m'),
      spare('median m'),
      number('max m'),
      number('RMSE deg'),
      number('m per unit'),
    ],
    rows,
  );
}

function partRow(name: string, part: PartEvaluation): string[] {
  const { translationM, rotationDeg } = part.ate;
  return [
    name,
    String(part.pairs),
    part.pathM.toFixed(1),
    translationM.rmse.toFixed(3),
    translationM.median.toFixed(3),
    translationM.max.toFixed(3),
    rotationDeg ? rotationDeg.rmse.toFixed(2) : '\u2013',
    part.alignment.scale.toPrecision(4),
  ];
}

/** RPE of each segment with its own scale; one table. */
export function rpeTable(model: ReportModel): string {
  const { evaluation } = model;
  if (!evaluation) return '';
  const several = evaluation.segments.length > 1;
  const rows = evaluation.segments.flatMap((entry) =>
    'part' in entry ? entry.part.rpe.map((row) => [...(several ? [String(entry.segment)] : []), ...rpeRow(row)]) : [],
  );
  if (rows.length === 0) return element('p', { class: 'note' }, 'The run is too short for relative errors.');
  const columns = [text('over'), number('RMSE m'), number('%'), number('RMSE deg'), number('deg/m'), spare('motions')];
  return table(several ? [text('segment'), ...columns] : columns, rows);
}

function rpeRow(row: RelativeError): string[] {
  return [
    formatStep(row),
    row.translationM.rmse.toFixed(3),
    row.translationPercent === undefined ? '\u2013' : row.translationPercent.toFixed(2),
    row.rotationDeg.rmse.toFixed(2),
    row.rotationDegPerM === undefined ? '\u2013' : row.rotationDegPerM.toFixed(3),
    String(row.translationM.count),
  ];
}

/** Scale drift of each segment. */
export function scaleTable(model: ReportModel): string {
  const rows = (model.evaluation?.segments ?? []).flatMap((entry) => {
    const drift = 'part' in entry ? entry.part.scaleDrift : undefined;
    if (!drift) return [];
    const halves = drift.halvesPercent === undefined ? '\u2013' : `${signed(drift.halvesPercent)} %`;
    return [[String(entry.segment), halves, `${drift.worstPercent.toFixed(1)} %`, String(drift.windows.length)]];
  });
  if (rows.length === 0) return element('p', { class: 'note' }, 'The camera moved too little to tell a scale.');
  return table([text('segment'), number('second half against first'), number('worst window'), spare('windows')], rows);
}

/** Every stretch that was not TRACKING, with its reason. */
export function stateTable(model: ReportModel): string {
  const rows = model.runs
    .filter((run) => run.state !== 'TRACKING')
    .map((run) => [
      `${run.fromS.toFixed(1)} \u2013 ${run.toS.toFixed(1)} s`,
      run.state,
      String(run.frames),
      run.reason || '\u2013',
    ]);
  if (rows.length === 0) return element('p', { class: 'note' }, 'Tracking from the first to the last frame.');
  return table([text('time'), text('state'), number('frames'), text('reason')], rows);
}
