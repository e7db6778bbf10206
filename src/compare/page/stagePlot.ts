// SPDX-License-Identifier: MIT
import type { Stage } from '../../odometry/types.ts';
import { STAGES } from '../../outputs/report/stageNames.ts';
import { element, escapeText, svg } from '../../outputs/report/svg.ts';
import type { ProfileResult } from '../Comparison.ts';

const ROW_PX = 30;
const BAR_PX = 18;
/** Room for the sum after the longest bar. */
const SUM_PX = 74;

/** The stages that some profile has. */
export function stagesPresent(profiles: readonly ProfileResult[]): (readonly [Stage, string])[] {
  return STAGES.filter(([stage]) => profiles.some(({ stagesMs }) => stagesMs[stage] !== undefined));
}

/** Median time of a frame by stage, one bar for each profile. */
export function stagePlot(profiles: readonly ProfileResult[], width: number): string {
  const left = 14 + 7 * Math.max(...profiles.map(({ profile }) => profile.length));
  const sums = profiles.map(({ stagesMs }) => Object.values(stagesMs).reduce((sum, ms) => sum + ms, 0));
  const pxPerMs = (width - left - SUM_PX) / Math.max(...sums, 1e-9);
  const bars = profiles.map(({ profile, stagesMs }, row) => {
    const y = row * ROW_PX + 4;
    let x = left;
    const parts = stagesPresent(profiles).map(([stage, name]) => {
      const ms = stagesMs[stage] ?? 0;
      const title = element('title', {}, escapeText(`${profile}, ${name}: ${ms.toFixed(1)} ms`));
      const part = element('rect', { x, y, width: ms * pxPerMs, height: BAR_PX, class: `stage ${stage}` }, title);
      x += ms * pxPerMs;
      return part;
    });
    const sum = element('text', { x: x + 8, y: y + 13, class: 'row-name' }, `${sums[row]!.toFixed(1)} ms`);
    const name = element(
      'text',
      { x: left - 10, y: y + 13, class: 'row-name', 'text-anchor': 'end' },
      escapeText(profile),
    );
    return name + parts.join('') + sum;
  });
  const label = profiles.map(({ profile }, row) => `${profile} ${sums[row]!.toFixed(1)} ms`).join(', ');
  return svg({
    width,
    height: profiles.length * ROW_PX + 4,
    label: `Time of a frame by stage: ${label}`,
    children: bars,
  });
}
