// SPDX-License-Identifier: MIT

export type Attributes = Record<string, string | number | undefined>;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text made safe for HTML and SVG, also inside quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** An HTML or SVG element; attributes are escaped, children are markup already. */
export function element(name: string, attributes: Attributes = {}, ...children: string[]): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeText(typeof value === 'number' ? px(value) : value)}"`],
  );
  return `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

/** A coordinate with at most one decimal. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** The d attribute of a polyline; a point that is not finite interrupts it. */
export function polyline(xs: readonly number[], ys: readonly number[]): string {
  let d = '';
  let pen = false;
  for (let i = 0; i < xs.length; i++) {
    const [x, y] = [xs[i]!, ys[i]!];
    const finite = Number.isFinite(x) && Number.isFinite(y);
    if (finite) d += `${pen ? 'L' : 'M'}${px(x)} ${px(y)}`;
    pen = finite;
  }
  return d;
}

/** A point that tells `text` when the pointer is near. */
export interface HoverPoint {
  x: number;
  y: number;
  text: string;
}

export interface Drawing {
  width: number;
  height: number;
  /** What a screen reader says. */
  label: string;
  children: string[];
  hover?: readonly HoverPoint[];
  /** `x`: nearest in x only, for curves over time. */
  hoverBy?: 'x' | 'xy';
}

/** A drawing that scales with its place. */
export function svg(drawing: Drawing): string {
  const { width, height, label, children, hover } = drawing;
  const points = hover?.length
    ? JSON.stringify(hover.map(({ x, y, text }) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10, text]))
    : undefined;
  return element(
    'svg',
    {
      viewBox: `0 0 ${px(width)} ${px(height)}`,
      role: 'img',
      'aria-label': label,
      'data-hover': points,
      'data-hover-by': points && (drawing.hoverBy ?? 'x'),
    },
    ...children,
  );
}

/** The same figure drawn for a wide and for a narrow place; the style sheet shows one of them, so that text keeps its size. */
export function forBothWidths(draw: (width: number) => string, wide: number): string {
  return element('div', { class: 'wide' }, draw(wide)) + element('div', { class: 'narrow' }, draw(NARROW_PX));
}

/** Width of figures on a phone of 390 px, inside margins. */
const NARROW_PX = 340;
