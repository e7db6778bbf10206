// SPDX-License-Identifier: MIT
import type { RunSummary } from '../RunSummary.ts';
import { HOVER_SCRIPT } from './hoverScript.ts';
import { STYLE } from './style.ts';
import { element, escapeText } from './svg.ts';

/** A page that loads nothing. @param style added to the style sheet of all pages */
export function htmlDocument(title: string, body: string, style = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeText(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
${body}
<div id="tip" hidden></div>
<script>${HOVER_SCRIPT}</script>
</body>
</html>
`;
}

/** A card with a heading. */
export function section(title: string, ...children: string[]): string {
  return element('section', {}, element('h2', {}, escapeText(title)), ...children);
}

/** A remark in small print. */
export function note(text: string): string {
  return element('p', { class: 'note' }, escapeText(text));
}

/** The machine in one line. */
export function machineText({ cpu, cores, memoryMb, os, node }: RunSummary['host']): string {
  return `${cpu}, ${cores} cores, ${(memoryMb / 1024).toFixed(0)} GB, ${os}, Node ${node}`;
}
