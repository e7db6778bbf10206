// SPDX-License-Identifier: MIT
import sharp from 'sharp';
import { linePlot, type Series } from '../../src/outputs/report/linePlot.ts';

const [WIDTH, HEIGHT] = [900, 260];
/** Pixels of the picture per unit of the drawing. */
const DENSITY = 2;
const STYLE = `text { font: 12px sans-serif; fill: #545e6a } .grid { stroke: #e9edf1 } .axis { stroke: #545e6a }
.curve { fill: none; stroke-width: 1.4 } .s0 { stroke: #0a5fc0 } .s1 { stroke: #c2410c } .s2 { stroke: #0f766e } .s3 { stroke: #7c3aed }`;

/** A PNG of curves over time with their names. */
export function rangePicture(durationS: number, yLabel: string, series: readonly Series[]): Promise<Buffer> {
  const drawing = linePlot({
    label: yLabel,
    width: WIDTH,
    height: HEIGHT,
    durationS,
    yLabel,
    yUnit: '1',
    hoverUnit: '',
    series,
    bands: [],
  });
  const names = series.map(
    ({ name, className }, n) =>
      `<path class="curve ${className}" d="M${330 + 140 * n} 10h20"/><text x="${356 + 140 * n}" y="14">${name}</text>`,
  );
  const size = `xmlns="http://www.w3.org/2000/svg" width="${WIDTH * DENSITY}" height="${HEIGHT * DENSITY}"`;
  const svg = drawing
    .replace(/ data-hover="[^"]*"/, '')
    .replace('<svg', `<svg ${size}`)
    .replace('>', `><style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>${names.join('')}`);
  return sharp(Buffer.from(svg)).png({ palette: true }).toBuffer();
}
