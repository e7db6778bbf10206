// SPDX-License-Identifier: MIT

/** The style sheet of the report. Colours are given once for light and once for dark; text on cards has a contrast of at least 4.5. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f4f6f8; --card: #ffffff; --ink: #1a1f26; --muted: #545e6a; --rule: #d5dbe2; --grid: #e9edf1; --truth: #8a94a0;
  --s0: #0a5fc0; --s1: #c2410c; --s2: #0f766e; --s3: #7c3aed; --s4: #b4175b; --s5: #666b00;
  --tracking: #1a7f37; --degraded: #b07a00; --lost: #cf222e; --initializing: #7d8894; --warn: #fff4d6; --warn-ink: #5c4300; }
@media (prefers-color-scheme: dark) { :root {
  --page: #0e1217; --card: #171c23; --ink: #e8edf2; --muted: #a3aebb; --rule: #323a45; --grid: #252c35; --truth: #8e99a6;
  --s0: #5aa9ff; --s1: #ff9a5c; --s2: #43d0ba; --s3: #b99bff; --s4: #ff85b6; --s5: #cfd257;
  --tracking: #3fb950; --degraded: #d9a01f; --lost: #ff6b63; --initializing: #8d98a5; --warn: #3a2f12; --warn-ink: #ffe3a3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main, header.top { max-width: 1160px; margin: 0 auto; padding: 0 20px; }
header.top { padding-top: 30px; padding-bottom: 18px; }
.over { margin: 0; color: var(--muted); font-size: 13px; }
h1 { margin: 2px 0 10px; font-size: 27px; line-height: 1.2; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 12px; font-size: 17px; line-height: 1.3; }
h3 { margin: 0 0 6px; font-size: 14px; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 0; font-size: 14px; }
.facts div { display: flex; gap: 6px; min-width: 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 20px; margin: 0 0 18px; }
.warning { background: var(--warn); color: var(--warn-ink); border-radius: 10px; padding: 10px 16px; margin: 0 0 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(134px, 1fr)); gap: 12px; margin: 0 0 18px; padding: 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 14px; min-width: 0; }
.tile dt { color: var(--muted); font-size: 13px; }
.tile dd { margin: 0; } .tile dd b { display: block; font-size: 22px; line-height: 1.3; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tile dd span { color: var(--muted); font-size: 13px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 18px 24px; align-items: start; }
figure { margin: 0; min-width: 0; } figcaption { font-size: 14px; font-weight: 600; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.narrow { display: none; }
@media (max-width: 640px) { .wide { display: none; } .narrow { display: block; }
  main, header.top { padding-left: 12px; padding-right: 12px; } section { padding: 14px 12px; } h1 { font-size: 22px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 10px; } .tile:last-child:nth-child(odd) { grid-column: 1 / -1; } .spare { display: none; } .tile dd b { font-size: 19px; } table { font-size: 12px; } th, td { padding: 5px 4px !important; } }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--muted); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); stroke-width: 1; } .axis { stroke: var(--muted); stroke-width: 1; } .frame { fill: none; stroke: var(--rule); }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; } .curve.thin { stroke-width: 1.1; }
.curve.truth { stroke: var(--truth); stroke-width: 3.5; opacity: 0.75; } .curve.overall { stroke: var(--truth); stroke-width: 1.3; stroke-dasharray: 4 3; }
.curve.s0 { stroke: var(--s0); } .curve.s1 { stroke: var(--s1); } .curve.s2 { stroke: var(--s2); } .curve.s3 { stroke: var(--s3); } .curve.s4 { stroke: var(--s4); } .curve.s5 { stroke: var(--s5); }
.cloud { fill: none; stroke: var(--ink); stroke-width: 1.7; stroke-linecap: round; opacity: 0.22; }
.scale-bar { fill: none; stroke: var(--ink); stroke-width: 1.6; }
svg text.mark { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.marker-start { fill: var(--card); stroke: var(--ink); stroke-width: 2.4; } .marker-end { fill: var(--ink); stroke: var(--card); stroke-width: 1.2; }
.band { opacity: 0.16; } .state.tracking, .band.tracking { fill: var(--tracking); } .state.degraded { fill: var(--degraded); }
.state.lost, .band.lost { fill: var(--lost); } .state.initializing, .band.initializing { fill: var(--initializing); }
.keyframe-ticks { stroke: var(--s0); stroke-width: 1; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 0 0 10px; padding: 0; font-size: 13px; color: var(--muted); }
.legend li { display: flex; align-items: center; gap: 7px; }
.key { display: inline-block; width: 22px; height: 0; border-top: 3px solid var(--ink); border-radius: 2px; }
.key.truth { border-top-width: 4px; border-color: var(--truth); } .key.overall { border-top: 2px dashed var(--truth); }
.key.cloud-key { border-top: 4px dotted var(--muted); border-radius: 0; width: 20px; opacity: 0.8; } .key.lost, .key.initializing { border-top-width: 12px; opacity: 0.3; width: 16px; } .key.lost { border-color: var(--lost); } .key.initializing { border-color: var(--initializing); }
.narrow + .legend { margin-top: 16px; }
.key.s0 { border-color: var(--s0); } .key.s1 { border-color: var(--s1); } .key.s2 { border-color: var(--s2); } .key.s3 { border-color: var(--s3); } .key.s4 { border-color: var(--s4); } .key.s5 { border-color: var(--s5); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 8px; border-bottom: 1px solid var(--grid); text-align: right; vertical-align: top; }
th { color: var(--muted); font-weight: 600; border-bottom-color: var(--rule); } th.text, td.text { text-align: left; }
th:first-child, td:first-child { padding-left: 0 !important; } th:last-child, td:last-child { padding-right: 0 !important; }
.bars { max-width: 820px; display: grid; grid-template-columns: max-content 1fr; gap: 7px 14px; margin: 0; font-size: 13.5px; align-items: center; }
.bars dt { color: var(--muted); } .bars dd { margin: 0; display: flex; align-items: center; gap: 10px; }
.bars .track { flex: 1; height: 13px; } .bars .track i { display: block; height: 100%; min-width: 2px; background: var(--s0); border-radius: 3px; }
.bars b { width: 72px; text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; }
.note { color: var(--muted); font-size: 13.5px; margin: 10px 0 0; max-width: 80ch; } .note:first-of-type { margin-top: 6px; }
.gap { margin-top: 18px; }
#tip { position: fixed; z-index: 1; pointer-events: none; background: var(--ink); color: var(--card); padding: 3px 8px; border-radius: 5px; font-size: 12.5px; white-space: nowrap; }
.near { fill: var(--ink); stroke: var(--card); stroke-width: 1.5; }
footer { color: var(--muted); font-size: 13px; padding: 0 0 30px; }
@media print { section, .tile { break-inside: avoid; } }
`;
