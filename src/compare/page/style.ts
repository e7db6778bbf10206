// SPDX-License-Identifier: MIT

/** What the page of a comparison needs beyond the style sheet of all pages. Profiles have the colours of segments. */
export const COMPARISON_STYLE = `
.curve.truth { stroke-width: 6; } .curve.first { stroke-width: 3.4; }
.dot { stroke: var(--card); stroke-width: 1.4; }
.dot.s0 { fill: var(--s0); } .dot.s1 { fill: var(--s1); } .dot.s2 { fill: var(--s2); } .dot.s3 { fill: var(--s3); } .dot.s4 { fill: var(--s4); } .dot.s5 { fill: var(--s5); }
.range { stroke-width: 2; opacity: 0.35; } .median { stroke-width: 3; }
.range.s0, .median.s0 { stroke: var(--s0); } .range.s1, .median.s1 { stroke: var(--s1); } .range.s2, .median.s2 { stroke: var(--s2); } .range.s3, .median.s3 { stroke: var(--s3); } .range.s4, .median.s4 { stroke: var(--s4); } .range.s5, .median.s5 { stroke: var(--s5); }
.allowed { fill: var(--tracking); opacity: 0.12; }
svg text.row-name { fill: var(--ink); }
.stage.wait { fill: var(--truth); } .stage.prepare { fill: var(--s5); } .stage.encode { fill: var(--s0); } .stage.insert { fill: var(--s4); }
.stage.correlate { fill: var(--s2); } .stage.update { fill: var(--s1); } .stage.bundleAdjust { fill: var(--s3); } .stage.commit { fill: var(--ink); }
.key.wait, .key.prepare, .key.encode, .key.insert, .key.correlate, .key.update, .key.bundleAdjust, .key.commit { border-top-width: 12px; width: 12px; }
.key.wait { border-color: var(--truth); } .key.prepare { border-color: var(--s5); } .key.encode { border-color: var(--s0); } .key.insert { border-color: var(--s4); }
.key.correlate { border-color: var(--s2); } .key.update { border-color: var(--s1); } .key.bundleAdjust { border-color: var(--s3); } .key.commit { border-color: var(--ink); }
.verdicts { list-style: none; margin: 0 0 16px; padding: 0; } .verdicts li { display: flex; gap: 10px; align-items: baseline; margin: 3px 0; }
.verdicts b { font-size: 12.5px; padding: 1px 9px; border-radius: 9px; white-space: nowrap; color: var(--card); background: var(--muted); }
.verdicts .within b { background: var(--tracking); } .verdicts .beyond b { background: var(--lost); } .verdicts .failed b { background: var(--lost); }
.against { margin: 0 0 8px; } .against + .tiles { margin-bottom: 18px; }
`;
