// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { messageOf } from '../error.ts';
import { readFrame } from '../messages/readFrame.ts';
import type { FinishResult, TrackResult } from '../odometry/types.ts';
import type { ImageFrame } from '../sources/Source.ts';
import type { CameraInput } from './CameraInput.ts';
import { LOOP_NS } from './frames/ReferenceTrack.ts';
import type { ReceivedImage } from './ImageMailbox.ts';
import type { LiveOdometry } from './LiveOdometry.ts';

export interface TrackerEvents {
  /** Why an image with this frame_id cannot be processed yet (no camera_info, no transform); empty when it can. */
  obstacle(frameId: string): string;
  /** An image that was not looked at: paused, an obstacle, or a restart that was asked for meanwhile. */
  onIgnored(): void;
  /** One processed image. Segment numbers go on when the odometry is made anew. */
  onResult(result: TrackResult, frameId: string): void;
  /** What became final without a result: a segment was ended from outside. */
  onFinal(end: FinishResult): void;
  /** An image that could not be used. */
  onFault(reason: string): void;
  /** Something people should know: a new segment and why, a new calibration. */
  onNotice(text: string): void;
  /** Something went wrong that is no fault of an image. */
  onTrouble(text: string): void;
  /** The odometry failed as a machine; the tracker has stopped. */
  onBroken(error: unknown): void;
}

export interface TrackerSettings {
  /** The number of the first segment. */
  firstSegment: number;
  /** Least time between two openings of the networks, which take about a second each: two cameras on one topic must not make it one for every image. */
  leastReopenMs: number;
}

/** Takes images out of the mailbox, one after the other, through the odometry. Everything that can be wrong with an image is an event, never an exception. */
export class Tracker {
  readonly #camera: CameraInput;
  readonly #open: (calibration: CameraCalibration) => Promise<LiveOdometry>;
  readonly #events: TrackerEvents;
  readonly #done: Promise<void>;
  #odometry: LiveOdometry | undefined;
  #calibration: CameraCalibration | undefined;
  #lastStampNs: bigint | undefined;
  #segmentBase: number;
  readonly #leastReopenMs: number;
  #lastSegment = -1;
  #restartReason = '';
  #openedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #isOpening = false;
  #workingSinceMs: number | undefined;
  paused = false;

  constructor(
    camera: CameraInput,
    open: (calibration: CameraCalibration) => Promise<LiveOdometry>,
    events: TrackerEvents,
    settings: TrackerSettings,
  ) {
    this.#camera = camera;
    this.#open = open;
    this.#events = events;
    this.#segmentBase = settings.firstSegment;
    this.#leastReopenMs = settings.leastReopenMs;
    this.#done = this.#run();
  }

  /** The networks are being opened, which takes about a second. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  /** How long the image at work has been there; 0 without one. */
  get workingS(): number {
    return this.#workingSinceMs === undefined ? 0 : (performance.now() - this.#workingSinceMs) / 1000;
  }

  /** For drawing; undefined before the first image. */
  get odometry(): LiveOdometry | undefined {
    return this.#odometry;
  }

  /** Number that the next segment of another tracker may have. */
  get nextSegment(): number {
    return Math.max(this.#segmentBase, this.#lastSegment + 1);
  }

  /** Before the next image a new segment begins. */
  restart(reason: string): void {
    this.#restartReason = reason;
  }

  /** From now on no event comes. Resolves when the image at work is done and the odometry is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#camera.mailbox.end();
    await this.#done;
  }

  async #run(): Promise<void> {
    try {
      for (let image = await this.#next(); image !== undefined; image = await this.#next()) {
        if (this.paused || this.#events.obstacle(image.frameId) !== '') this.#events.onIgnored();
        else await this.#process(image);
      }
    } catch (error) {
      if (!this.#stopped) this.#events.onBroken(error);
    } finally {
      await this.#close();
    }
  }

  async #next(): Promise<ReceivedImage | undefined> {
    return this.#stopped ? undefined : this.#camera.mailbox.take();
  }

  async #process(image: ReceivedImage): Promise<void> {
    const calibration = this.#camera.calibration;
    if (calibration === undefined) return;
    const frame = await this.#frame(image, calibration);
    if (frame === undefined || this.#stopped) return;
    if (calibration !== this.#calibration) {
      if (performance.now() - this.#openedAtMs < this.#leastReopenMs) {
        this.#events.onFault('the calibration changes again and again: is there more than one camera on the topic?');
        return;
      }
      this.#isOpening = true;
      await this.#reopen(calibration);
      this.#isOpening = false;
      if (this.#stopped) return;
    }
    this.#workingSinceMs = performance.now();
    await this.#track(frame, image.frameId, this.#odometry!);
    this.#workingSinceMs = undefined;
  }

  async #track(frame: ImageFrame, frameId: string, odometry: LiveOdometry): Promise<void> {
    const back = this.#lastStampNs === undefined ? 0n : this.#lastStampNs - frame.stampNs;
    if (back > LOOP_NS) this.#restartReason = `stamps went back by ${(Number(back) / 1e9).toFixed(3)} s`;
    if (this.#restartReason !== '') await this.#restart(odometry);
    const result = await odometry.track(frame);
    if (this.#stopped) return;
    if (this.#restartReason !== '') {
      this.#events.onIgnored();
      this.#events.onFinal(this.#numbered(result));
      return;
    }
    if (!result.skipped) this.#lastStampNs = frame.stampNs;
    const segment = this.#segmentBase + result.segment;
    this.#lastSegment = segment;
    this.#deliver({ ...result, segment, ...this.#numbered(result) }, frameId);
  }

  /** What goes wrong on the way out is no fault of the odometry, which goes on. */
  #deliver(result: TrackResult, frameId: string): void {
    try {
      this.#events.onResult(result, frameId);
    } catch (error) {
      this.#events.onTrouble(`a result could not be published: ${messageOf(error)}`);
    }
  }

  /** Undefined (and told) when there is no usable image in the message. */
  async #frame({ cdr, stampNs }: ReceivedImage, calibration: CameraCalibration): Promise<ImageFrame | undefined> {
    try {
      const frame = await readFrame(cdr, stampNs, 'cdr', this.#camera.imageTopic.endsWith('/compressed'));
      const { width, height, origin } = calibration;
      if (frame.width === width && frame.height === height) return frame;
      this.#events.onFault(
        `the images are ${frame.width}x${frame.height}, the calibration (${origin}) is for ${width}x${height}`,
      );
    } catch (error) {
      this.#events.onFault(messageOf(error));
    }
    return undefined;
  }

  async #reopen(calibration: CameraCalibration): Promise<void> {
    const isFirst = this.#calibration === undefined;
    this.#openedAtMs = performance.now();
    this.#segmentBase = this.nextSegment;
    await this.#close();
    if (this.#stopped) return;
    this.#odometry = await this.#open(calibration);
    this.#calibration = calibration;
    this.#lastStampNs = undefined;
    this.#restartReason = '';
    const { width, height, model, origin } = calibration;
    this.#events.onNotice(
      `${isFirst ? 'camera' : 'the calibration changed, a new segment begins'}: ${width}x${height}, ${model}, from ${origin}`,
    );
  }

  async #restart(odometry: LiveOdometry): Promise<void> {
    this.#events.onNotice(`a new segment begins: ${this.#restartReason}`);
    this.#restartReason = '';
    this.#lastStampNs = undefined;
    this.#events.onFinal(this.#numbered(await odometry.restart()));
  }

  #numbered({ finalPoses, finalPoints }: FinishResult): FinishResult {
    const numbered = <T extends { segment: number }>(items: readonly T[]): T[] =>
      items.map((item) => ({ ...item, segment: this.#segmentBase + item.segment }));
    return { finalPoses: numbered(finalPoses), finalPoints: numbered(finalPoints) };
  }

  async #close(): Promise<void> {
    const odometry = this.#odometry;
    this.#odometry = undefined;
    await odometry?.close().catch((error: unknown) => this.#events.onTrouble(messageOf(error)));
  }
}
