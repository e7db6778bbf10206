// SPDX-License-Identifier: MIT

/** Tells the value nearest to the pointer. Everything else in the report stands without it. */
export const HOVER_SCRIPT = `
const tip = document.getElementById('tip');
for (const svg of document.querySelectorAll('svg[data-hover]')) {
  const points = JSON.parse(svg.dataset.hover);
  const byX = svg.dataset.hoverBy === 'x';
  const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
  dot.setAttribute('class', 'near');
  dot.setAttribute('r', '4');
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale;
    const y = (event.clientY - box.top) * scale;
    const distance = (p) => Math.hypot(p[0] - x, byX ? (p[1] - y) / 50 : p[1] - y);
    const near = points.reduce((best, p) => (distance(p) < distance(best) ? p : best));
    tip.textContent = near[2];
    tip.hidden = false;
    const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 6);
    tip.style.left = Math.max(4, left) + 'px';
    tip.style.top = event.clientY - 34 + 'px';
    dot.setAttribute('cx', near[0]);
    dot.setAttribute('cy', near[1]);
    svg.append(dot);
  });
  svg.addEventListener('pointerleave', () => { tip.hidden = true; dot.remove(); });
}
`;
