// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';
import { isFinitePose, transform, type Vec3 } from '../../odometry/se3.ts';
import { ReferenceTrack } from './ReferenceTrack.ts';
import { type RatioSpread, robustRatio } from './robustRatio.ts';

export interface ScaleEstimatorOptions {
  /** Where the camera sits on base_link, as soon as it is known: it moves where base_link only turns. */
  T_base_camera: () => Pose | undefined;
  /** Displacements are compared over about this time, seconds. */
  windowS: number;
  /** Least displacement of the camera by the reference, metres. */
  minDistanceM: number;
}

export interface ScaleEstimate {
  /** Metres per unit of the segment. */
  scale: number;
  /** Relative standard deviation of the windows, by the median absolute deviation. */
  spread: number;
  /** Windows that it rests on. */
  windows: number;
}

/** What could not be used. */
export interface IgnoredCounts {
  /** Reference messages: no numbers, stamps that did not go forward. */
  references: number;
  /** Images: no numbers, stamps that did not go forward, no reference around them. */
  images: number;
  /** Windows: the robot stood still. */
  windows: number;
}

/** The scale of one camera drifts: only the last windows count. */
const KEPT_WINDOWS = 15;
const LEAST_WINDOWS = 5;
/** Windows agree when their relative spread is below this. */
const MAX_SPREAD = 0.1;
/** A slow robot gets this many times the window to come far enough. */
const MAX_STRETCH = 4;
/** Images that wait for the reference. */
const MAX_WAITING = 600;

interface Image {
  stampNs: bigint;
  /** Of the camera in the world of the segment, segment units. */
  position: Vec3;
}

interface Sample extends Image {
  /** Of the camera in the frame of the reference, metres. */
  reference: Vec3;
  run: number;
}

/**
 * Metric scale of a segment, live, from a reference trajectory in metres (wheel odometry). Over windows of time, the displacement of the camera by the reference is
 * divided by that of the visual odometry: lengths, so the frames of the two need not be known to each other. The median of the last windows counts.
 */
export class ScaleEstimator {
  readonly #options: ScaleEstimatorOptions;
  readonly #windowNs: bigint;
  readonly #track = new ReferenceTrack();
  readonly #ignored: IgnoredCounts = { references: 0, images: 0, windows: 0 };
  #segment: number | undefined;
  #lastImageNs: bigint | undefined;
  #waiting: Image[] = [];
  #begin: Sample | undefined;
  #ratios: number[] = [];
  #agreed: RatioSpread | undefined;

  /** @throws QpvoError QPVO_PARAMETER */
  constructor(options: ScaleEstimatorOptions) {
    checkAboveZero('the window of the scale estimate', 'seconds', options.windowS);
    checkAboveZero('the least distance of the scale estimate', 'metres', options.minDistanceM);
    this.#options = options;
    this.#windowNs = BigInt(Math.round(options.windowS * 1e9));
  }

  get ignored(): Readonly<IgnoredCounts> {
    return this.#ignored;
  }

  /** @param T_ref_base where base_link is in a frame of the reference's own (its odom), metres */
  addReference(stampNs: bigint, T_ref_base: Pose): void {
    if (!this.#track.add(stampNs, T_ref_base)) this.#ignored.references++;
    this.#matchWaiting();
  }

  /** @param T_world_camera in units of the segment */
  addVisual(stampNs: bigint, segment: number, T_world_camera: Pose): void {
    if (segment !== this.#segment) this.#beginSegment(segment);
    const isForward = this.#lastImageNs === undefined || stampNs > this.#lastImageNs;
    if (!isForward || !isFinitePose(T_world_camera)) {
      this.#ignored.images++;
      return;
    }
    this.#lastImageNs = stampNs;
    this.#waiting.push({ stampNs, position: [...T_world_camera.t] });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#ignored.images++;
    }
    this.#matchWaiting();
  }

  /**
   * Undefined until enough windows agree. When they stop agreeing, the scale stays the last one they agreed on, with the spread of now.
   * @param segment when given, undefined also unless the images are of this segment
   */
  result(segment = this.#segment): ScaleEstimate | undefined {
    if (this.#agreed === undefined || segment !== this.#segment) return undefined;
    const { spread } = robustRatio(this.#ratios);
    return { scale: this.#agreed.ratio, spread, windows: this.#ratios.length };
  }

  #beginSegment(segment: number): void {
    this.#segment = segment;
    this.#lastImageNs = undefined;
    this.#waiting = [];
    this.#begin = undefined;
    this.#ratios = [];
    this.#agreed = undefined;
  }

  #matchWaiting(): void {
    const newest = this.#track.newestNs;
    const T_base_camera = this.#options.T_base_camera();
    if (newest === undefined || T_base_camera === undefined) return;
    for (let image = this.#waiting[0]; image !== undefined && image.stampNs <= newest; image = this.#waiting[0]) {
      this.#waiting.shift();
      const found = this.#track.at(image.stampNs);
      if (found === undefined) this.#ignored.images++;
      else this.#take({ ...image, run: found.run, reference: transform(found.T_ref_base, T_base_camera.t) });
    }
  }

  #take(sample: Sample): void {
    const begin = this.#begin;
    if (begin === undefined || begin.run !== sample.run) {
      this.#begin = sample;
      return;
    }
    const ageNs = sample.stampNs - begin.stampNs;
    if (ageNs < this.#windowNs) return;
    const metres = distance(begin.reference, sample.reference);
    if (metres >= this.#options.minDistanceM) {
      this.#add(metres / distance(begin.position, sample.position));
      this.#begin = sample;
    } else if (ageNs >= BigInt(MAX_STRETCH) * this.#windowNs) {
      this.#ignored.windows++;
      this.#begin = sample;
    }
  }

  #add(ratio: number): void {
    if (!(ratio > 0 && ratio < Number.POSITIVE_INFINITY)) {
      this.#ignored.windows++;
      return;
    }
    this.#ratios.push(ratio);
    if (this.#ratios.length > KEPT_WINDOWS) this.#ratios.shift();
    const found = robustRatio(this.#ratios);
    if (this.#ratios.length >= LEAST_WINDOWS && found.spread < MAX_SPREAD) this.#agreed = found;
  }
}

function distance(a: Vec3, b: Vec3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function checkAboveZero(what: string, unit: string, value: number): void {
  if (value > 0 && value < 1e9) return;
  const expected = `${unit}, a number above 0`;
  throw new QpvoError('QPVO_PARAMETER', { what: `${what} cannot be used`, expected, received: String(value) });
}
