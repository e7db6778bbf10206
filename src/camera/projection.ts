// SPDX-License-Identifier: MIT
import type { CameraCalibration } from './CameraCalibration.ts';

/** Two numbers written in place: x, y. */
export type Point2 = Float64Array | [number, number];

/**
 * Pixel of the normalised ray (x, y, 1), distortion included (OpenCV `projectPoints`, `fisheye::projectPoints`).
 *
 * @param out pixel (u, v) of the recorded image; may lie outside of it
 */
export function project(camera: CameraCalibration, x: number, y: number, out: Point2): void {
  distort(camera, x, y, out);
  out[0] = camera.fx * out[0]! + camera.cx;
  out[1] = camera.fy * out[1]! + camera.cy;
}

/**
 * Normalised ray (x, y, 1) seen at pixel (u, v): inverse of `project`, by Newton's method.
 *
 * @param out ray (x, y); unspecified when the result is false
 * @returns false when no ray was found (pixels beyond the field where the distortion polynomial can be inverted)
 */
export function unproject(camera: CameraCalibration, u: number, v: number, out: Point2): boolean {
  const x = (u - camera.cx) / camera.fx;
  const y = (v - camera.cy) / camera.fy;
  if (camera.model === 'none') {
    out[0] = x;
    out[1] = y;
    return true;
  }
  return camera.model === 'equidistant'
    ? undistortEquidistant(camera.coefficients, x, y, out)
    : undistortBrown(camera, x, y, out);
}

/** Applies the distortion to a normalised ray; the result is on the image plane at distance 1. */
function distort(camera: CameraCalibration, x: number, y: number, out: Point2): void {
  const r2 = x * x + y * y;
  const k = camera.coefficients;
  switch (camera.model) {
    case 'none':
      out[0] = x;
      out[1] = y;
      return;
    case 'equidistant': {
      const r = Math.sqrt(r2);
      const scale = r < 1e-9 ? 1 : equidistantRadius(k, Math.atan(r)) / r;
      out[0] = x * scale;
      out[1] = y * scale;
      return;
    }
    case 'radtan':
    case 'rational': {
      const numerator = 1 + r2 * (k[0]! + r2 * (k[1]! + r2 * (k[4] ?? 0)));
      const denominator = camera.model === 'rational' ? 1 + r2 * (k[5]! + r2 * (k[6]! + r2 * k[7]!)) : 1;
      const radial = numerator / denominator;
      out[0] = x * radial + 2 * k[2]! * x * y + k[3]! * (r2 + 2 * x * x);
      out[1] = y * radial + k[2]! * (r2 + 2 * y * y) + 2 * k[3]! * x * y;
    }
  }
}

/** Distance from the image centre at angle theta from the optical axis (Kannala and Brandt 2006, as in OpenCV fisheye). */
function equidistantRadius(k: readonly number[], theta: number): number {
  const t2 = theta * theta;
  return theta * (1 + t2 * (k[0]! + t2 * (k[1]! + t2 * (k[2]! + t2 * k[3]!))));
}

const MAX_ITERATIONS = 50;
/** Convergence on the normalised image plane: below 1e-9 px at any real focal length. */
const TOLERANCE = 1e-12;

function undistortEquidistant(k: readonly number[], x: number, y: number, out: Point2): boolean {
  const radius = Math.hypot(x, y);
  let theta = Math.min(radius, 1.5);
  for (let i = 0; i < MAX_ITERATIONS; i++) {
    const t2 = theta * theta;
    const slope = 1 + t2 * (3 * k[0]! + t2 * (5 * k[1]! + t2 * (7 * k[2]! + t2 * 9 * k[3]!)));
    const step = (equidistantRadius(k, theta) - radius) / slope;
    theta -= step;
    if (Math.abs(step) < TOLERANCE) break;
  }
  const residual = Math.abs(equidistantRadius(k, theta) - radius);
  if (!(residual < 1e-9) || theta < 0 || theta >= Math.PI / 2) return false;
  const scale = radius < 1e-9 ? 1 : Math.tan(theta) / radius;
  out[0] = x * scale;
  out[1] = y * scale;
  return true;
}

/** Newton's method in two variables; the Jacobian by central differences, exact to 1e-10 here and the same for both models. */
function undistortBrown(camera: CameraCalibration, x: number, y: number, out: Point2): boolean {
  const h = 1e-5;
  const at = (u: number, v: number): [number, number] => {
    const point: [number, number] = [0, 0];
    distort(camera, u, v, point);
    return point;
  };
  let u = x;
  let v = y;
  for (let i = 0; i < MAX_ITERATIONS; i++) {
    const [px, py] = at(u, v);
    const [left, right, above, below] = [at(u - h, v), at(u + h, v), at(u, v - h), at(u, v + h)];
    const [a, b] = [(right[0] - left[0]) / (2 * h), (below[0] - above[0]) / (2 * h)];
    const [c, d] = [(right[1] - left[1]) / (2 * h), (below[1] - above[1]) / (2 * h)];
    const determinant = a * d - b * c;
    const dx = (d * (px - x) - b * (py - y)) / determinant;
    const dy = (a * (py - y) - c * (px - x)) / determinant;
    u -= dx;
    v -= dy;
    if (Math.abs(dx) + Math.abs(dy) < TOLERANCE) {
      out[0] = u;
      out[1] = v;
      // Beyond the turning point of the polynomial another ray has the same pixel: not this inverse.
      return determinant > 0 && a + d > 0;
    }
  }
  return false;
}
