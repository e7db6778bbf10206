// SPDX-License-Identifier: MIT
export const CHROMIUM = '/usr/bin/chromium';
export const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What the page says about itself. */
export interface Measured {
  scrollWidth: number;
  clientWidth: number;
  /** Drawings and curves that are displayed. */
  drawings: number;
  curves: number;
  /** Pairs of texts in one drawing that lie on each other. */
  overlaps: string[];
  /** Elements that stick out of the page. */
  outside: string[];
  /** Texts whose contrast with the background behind them is under 4.5. */
  faint: string[];
}

/** Runs in the page; text, because the page has no part in the types of this program. */
export const MEASURE = `(() => {
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const svgs = [...document.querySelectorAll('svg')].filter(shown);
  const overlaps = [];
  for (const svg of svgs) {
    const boxes = [...svg.querySelectorAll('text')].map((node) => [node.textContent, node.getBoundingClientRect()]);
    boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
      const w = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (w > 1 && h > 3) overlaps.push(svg.getAttribute('aria-label') + ': ' + a + ' / ' + b);
    }));
  }
  const inScroll = (node) => node.closest('.scroll') !== null && !node.matches('.scroll');
  const outside = [...document.querySelectorAll('body *')].filter((node) => shown(node) && !inScroll(node)).flatMap((node) => {
    const box = node.getBoundingClientRect();
    return box.right > document.documentElement.clientWidth + 1 || box.left < -1 ? [node.tagName + ' ' + node.textContent.slice(0, 30)] : [];
  });
  const wide = [...document.querySelectorAll('.scroll')].filter((node) => shown(node) && node.scrollWidth > node.clientWidth + 1);
  outside.push(...wide.map((node) => 'table ' + node.textContent.slice(0, 40)));
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)' && colour !== 'transparent') return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [...document.querySelectorAll('text, p, td, th, dt, dd, li, h1, h2, h3, figcaption')].filter(shown).flatMap((node) => {
    const style = getComputedStyle(node);
    const [a, b] = [light(node.tagName === 'text' ? style.fill : style.color), light(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return contrast < 4.5 ? [node.textContent.slice(0, 30) + ' ' + contrast.toFixed(2)] : [];
  });
  return {
    scrollWidth: document.documentElement.scrollWidth,
    clientWidth: document.documentElement.clientWidth,
    drawings: svgs.length,
    curves: svgs.reduce((sum, svg) => sum + [...svg.querySelectorAll('path')].filter((path) => path.getAttribute('d').length > 4).length, 0),
    overlaps, outside, faint,
  };
})()`;
