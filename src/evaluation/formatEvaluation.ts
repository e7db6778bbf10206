// SPDX-License-Identifier: MIT
import type { Evaluation, PartEvaluation } from './evaluateTrajectory.ts';
import type { RelativeError } from './rpe.ts';
import type { ErrorStatistics } from './statistics.ts';

/** The evaluation as text for a terminal, lines without trailing newline. */
export function formatEvaluation(evaluation: Evaluation): string {
  const { association, overall, segments } = evaluation;
  const how = association.method === 'nearest' ? 'nearest reference' : 'reference interpolated';
  const lines = [
    `matched     ${association.pairs} of ${association.estimatePoses} poses (${how}, ${association.referencePoses} reference poses)`,
    ...formatPart(overall),
  ];
  if (segments.length > 1) {
    lines.push('', 'segments, each aligned by itself');
    for (const entry of segments) {
      const found =
        'part' in entry
          ? `${formatAte(entry.part)}  scale ${entry.part.alignment.scale.toPrecision(4)}`
          : `not aligned: ${entry.failure}`;
      lines.push(`  ${String(entry.segment).padStart(3)}  ${String(entry.pairs).padStart(6)} poses  ${found}`);
    }
  }
  return lines.join('\n');
}

function formatPart(part: PartEvaluation): string[] {
  const { alignment, ate, scaleDrift } = part;
  const lines = [
    `path        ${part.pathM.toFixed(2)} m`,
    `alignment   ${formatAlignment(part)}`,
    `ATE [m]     ${formatStatistics(ate.translationM, 4)}`,
    ate.rotationDeg
      ? `ATE [deg]   ${formatStatistics(ate.rotationDeg, 2)}`
      : 'ATE [deg]   undetermined: all positions lie on one line',
    ...formatRelative(part.rpe),
  ];
  if (scaleDrift) {
    const halves =
      scaleDrift.halvesPercent === undefined ? '' : `second half against first ${signed(scaleDrift.halvesPercent)} %, `;
    lines.push(
      `scale drift ${halves}worst of ${scaleDrift.windows.length} windows ${scaleDrift.worstPercent.toFixed(1)} %`,
    );
  }
  if (alignment.kind === 'se3') lines.push('            (scale is not aligned: se3)');
  return lines;
}

/** "Sim(3), 2.41 m per unit" */
export function formatAlignment(part: PartEvaluation): string {
  return part.alignment.kind === 'sim3'
    ? `Sim(3), ${part.alignment.scale.toPrecision(5)} m per unit`
    : 'SE(3), scale fixed';
}

function formatAte(part: PartEvaluation): string {
  return `ATE rmse ${part.ate.translationM.rmse.toFixed(4)} m over ${part.pathM.toFixed(1)} m`;
}

function formatStatistics(s: ErrorStatistics, digits: number): string {
  return (['rmse', 'mean', 'median', 'std', 'max'] as const)
    .map((name) => `${name} ${s[name].toFixed(digits)}`)
    .join('  ');
}

function formatRelative(rows: readonly RelativeError[]): string[] {
  return rows.map((row) => {
    const name = `RPE ${formatStep(row)}`.padEnd(12);
    const percent = row.translationPercent === undefined ? '' : `  ${row.translationPercent.toFixed(2)} %`;
    const turn = row.rotationDegPerM === undefined ? '' : `  ${row.rotationDegPerM.toFixed(3)} deg/m`;
    return `${name}rmse ${row.translationM.rmse.toFixed(4)} m${percent}  rmse ${row.rotationDeg.rmse.toFixed(3)} deg${turn}  (${row.translationM.count} motions)`;
  });
}

/** "1 s", "5 m" */
export function formatStep(row: RelativeError): string {
  return `${row.step.value} ${row.step.over === 'time' ? 's' : 'm'}`;
}

/** "+1.3", "-0.4", "0.0" */
export function signed(value: number): string {
  const size = Math.abs(value).toFixed(1);
  if (Number(size) === 0) return size;
  return `${value < 0 ? '-' : '+'}${size}`;
}
