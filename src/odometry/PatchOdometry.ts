// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import { QpvoError } from '../error.ts';
import { type CameraImage, toCameraImage } from '../messages/pixels.ts';
import type { PatchSelection } from '../native/addon.ts';
import type { ImageFrame } from '../sources/Source.ts';
import { type Answers, type FrameDevice, NO_QUESTIONS } from './FrameDevice.ts';
import { imageRefusal } from './imageRefusal.ts';
import { lowerMedian, medianFlow } from './median.ts';
import { predictPose } from './motionModel.ts';
import { type DeviceOptions, openDevice } from './openDevice.ts';
import { PatchGraph } from './PatchGraph.ts';
import { IDENTITY, type Pose } from './Pose.ts';
import { PoseTable } from './PoseTable.ts';
import { Segment } from './Segment.ts';
import { StageClock } from './StageClock.ts';
import { GRID_STRIDE, REFERENCE_WIDTH, SOLVER } from './solver.ts';
import { settleStart } from './startShape.ts';
import { grayOf, type SeenPair, type TrackingView, tracksOf } from './TrackingView.ts';
import type { FinishResult, InitProgress, TrackingState, TrackResult } from './types.ts';

export type OdometryOptions = DeviceOptions;

/** What a frame says about itself besides its pose. */
type Outcome = Omit<TrackResult, 'sequence' | 'stampNs' | 'pairs' | 'stagesMs' | 'latencyMs'>;

/**
 * Monocular patch odometry: images in, poses out (Deep Patch Visual Odometry, Teed, Lipson, Deng, arXiv 2208.04726). One call at a time. Lost tracking is a state of the
 * result, never an error; track() rejects only when the machine fails (closed, addon or network error) or the very first image contradicts the calibration.
 */
export class PatchOdometry {
  readonly #parameters: OdometryParameters;
  readonly #device: FrameDevice;
  readonly #graph: PatchGraph;
  readonly #poses: PoseTable;
  readonly #gridPerParameterPx: number;
  readonly #calibration: CameraCalibration;
  readonly #stampsNs: bigint[] = [];
  #pixels: Uint8Array = new Uint8Array(0);
  #segment: Segment;
  #state: TrackingState = 'INITIALIZING';
  #sequence = 0;
  /** What the last update saw in the newest frame. */
  #seen: SeenPair[] = [];
  /** Of the last update of the frame at hand. */
  #pairs = 0;
  #sizeChecked = false;
  #hasImage = false;
  #busy = false;
  #closing: Promise<void> | undefined;

  /** @throws what openDevice() throws */
  static async create(options: OdometryOptions): Promise<PatchOdometry> {
    return new PatchOdometry(options, await openDevice(options));
  }

  private constructor({ parameters, calibration }: OdometryOptions, device: FrameDevice) {
    const { buffers, camera } = device;
    this.#parameters = parameters;
    this.#calibration = calibration;
    this.#device = device;
    this.#graph = new PatchGraph(parameters, device, buffers.pairSource, buffers.pairTarget);
    this.#poses = new PoseTable(buffers.poses, (slot) => device.setPose(slot));
    this.#gridPerParameterPx = camera.width / REFERENCE_WIDTH / GRID_STRIDE;
    this.#segment = this.#newSegment(0, IDENTITY);
  }

  /**
   * One image to one result. `frame.data` may be reused as soon as the promise settles.
   * @throws QPVO_BUSY while another call is in flight; QPVO_CLOSED after close()
   */
  track(frame: ImageFrame): Promise<TrackResult> {
    return this.#alone(async () => {
      const clock = new StageClock();
      const sequence = this.#sequence++;
      this.#pairs = 0;
      const outcome = await this.#outcome(frame, sequence, clock);
      this.#state = outcome.state;
      const { stagesMs, totalMs: latencyMs } = clock;
      return { ...outcome, sequence, stampNs: frame.stampNs, pairs: this.#pairs, stagesMs, latencyMs };
    });
  }

  /** The last updates, and everything that was still waiting; nothing after a loss, which gave all there was. */
  finish(): Promise<FinishResult> {
    return this.#alone(async () => {
      if (!this.#segment.initialized || this.#state === 'LOST') return NOTHING;
      const clock = new StageClock();
      for (let k = 0; k < this.#parameters.finalUpdates; k++) await this.#update(clock);
      await this.#device.readBack(NO_QUESTIONS);
      return this.#segment.end(Number.POSITIVE_INFINITY);
    });
  }

  /**
   * Ends the segment here and now: everything in it becomes final as it stands, without further updates, and the next image begins another segment (number + 1) where the
   * last pose was. Its stamp may lie anywhere: a recording that begins anew goes on.
   */
  restart(): Promise<FinishResult> {
    return this.#alone(async () => {
      const { number, initialized } = this.#segment;
      const isTracking = initialized && this.#state !== 'LOST';
      const end = isTracking ? this.#segment.end(Number.POSITIVE_INFINITY) : NOTHING;
      const start = this.#state === 'LOST' ? this.#segment.lastTrustedPose : this.#segment.lastPose;
      this.#segment = this.#newSegment(number + 1, start);
      this.#state = 'INITIALIZING';
      this.#stampsNs.length = 0;
      return end;
    });
  }

  /** What was seen last, for drawing; undefined before the first image and while another call is in flight. Costs a millisecond or two, and nothing when nobody asks. */
  view(): TrackingView | undefined {
    if (this.#busy || this.#closing !== undefined || !this.#hasImage) return undefined;
    const { buffers, camera, manifest } = this.#device;
    const { width, height } = camera;
    this.#device.refreshView();
    return {
      width,
      height,
      gray: grayOf(buffers.image, width * height, manifest.normalisation),
      tracks: tracksOf(buffers, this.#seen, this.#parameters.patchesPerFrame),
    };
  }

  async close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    await this.#alone(() => {
      this.#closing = this.#device.close();
      return this.#closing;
    });
  }

  /** A second call meanwhile, and one after close(), is refused before it changes anything. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      throw new QpvoError('QPVO_CLOSED', { what: 'the odometry is closed', advice: 'Create another one.' });
    }
    if (this.#busy) {
      throw new QpvoError('QPVO_BUSY', { what: 'the odometry is at work', advice: 'Await the last call first.' });
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  async #outcome(frame: ImageFrame, sequence: number, clock: StageClock): Promise<Outcome> {
    const refusal = imageRefusal(frame, this.#calibration, !this.#sizeChecked, this.#stampsNs.at(-1));
    this.#sizeChecked = true;
    if (refusal !== '') return this.#plain({ skipped: true, reason: refusal });
    if (this.#state === 'LOST') {
      if (!this.#parameters.autoReinitialize) return this.#plain({ reason: 'lost, and autoReinitialize is off' });
      this.#segment = this.#newSegment(this.#segment.number + 1, this.#segment.lastTrustedPose);
    }
    this.#stampsNs.push(frame.stampNs);
    if (this.#stampsNs.length > 3) this.#stampsNs.shift();

    const graph = this.#graph;
    const slot = graph.nextSlot;
    this.#poses.set(slot, this.#predictedPose());
    await clock.time('prepare', () => this.#prepare(frame, slot, sequence));
    await clock.time('encode', () => this.#device.encode());
    await clock.time('insert', () => this.#device.insertFrame(slot));
    const { still, progress } = this.#segment.initialized ? ADMITTED : await this.#admit(slot, clock);
    if (still) {
      this.#segment.pass(sequence, frame.stampNs);
      return this.#plain({ init: progress, reason: STANDSTILL });
    }
    this.#segment.add(graph.accept(sequence, frame.stampNs));
    const updates = this.#updatesDue();
    for (let k = 0; k < updates; k++) {
      if (!this.#segment.initialized && k === updates - 1) await this.#settleStart(clock);
      await this.#update(clock);
    }
    if (updates === 0) return this.#plain({ init: progress, reason: progress?.waitingFor ?? '', isKeyframe: true });
    const answers = await clock.time('readBack', () => this.#device.readBack(this.#segment.questions()));
    return clock.time('commit', () => this.#commit(answers, progress));
  }

  async #prepare(frame: ImageFrame, slot: number, sequence: number): Promise<void> {
    const { seed } = this.#parameters;
    const { inputChannels } = this.#device.manifest.sizes;
    const image: CameraImage = toCameraImage(frame, inputChannels, this.#pixels);
    if (image.data !== frame.data) this.#pixels = image.data;
    this.#hasImage = true;
    this.#seen = [];
    await this.#device.prepareImage(image);
    await this.#device.samplePatches(slot, seed, sequence, this.#selection(), this.#depthPrior());
  }

  /** Until initialisation half of the patches by gradient at most: those that crowd on a few edges may explain the first images by a wrong shape. */
  #selection(): PatchSelection {
    const { patchSelection } = this.#parameters;
    return patchSelection === 'gradient' && !this.#segment.initialized ? 'mixed' : patchSelection;
  }

  /** Before initialisation every patch gets a random depth of its own (-1); afterwards the median of the last three frames. */
  #depthPrior(): number {
    if (!this.#segment.initialized) return -1;
    const { inverseDepth, patchStride } = this.#device.buffers;
    const last = this.#graph.frames
      .slice(-3)
      .map(({ slot }) =>
        inverseDepth.subarray(slot * patchStride, slot * patchStride + this.#parameters.patchesPerFrame),
      );
    return lowerMedian(last);
  }

  #predictedPose(): Pose {
    const { frames } = this.#graph;
    const last = frames.at(-1);
    const beforeLast = frames.at(-2);
    if (last === undefined) return IDENTITY;
    const { motionModel: kind, motionDamping: damping } = this.#parameters;
    return predictPose(
      { kind, damping },
      this.#poses.get(last.slot),
      beforeLast && this.#poses.get(beforeLast.slot),
      this.#stampsNs,
    );
  }

  /**
   * Before initialisation: whether the frame moved enough to be collected. A frame that does not match the last one at all (the lens was covered, the scene changed) starts
   * the collection anew.
   */
  async #admit(slot: number, clock: StageClock): Promise<Admission> {
    const { initFrames: neededFrames, initMotionThresholdPx: neededFlowPx } = this.#parameters;
    const { initMinConfidence, minConfidence } = this.#parameters;
    const last = this.#graph.frames.at(-1);
    const probe = last && (await this.#probe(last.slot, slot, clock));
    const mismatch = probe !== undefined && !(probe.confidence >= initMinConfidence);
    if (mismatch) {
      this.#segment = this.#newSegment(this.#segment.number, this.#segment.T_world_segment, slot);
      this.#poses.set(slot, IDENTITY);
    }
    const medianFlowPx = mismatch ? undefined : probe && probe.flow / this.#gridPerParameterPx;
    // A flow without confidence is no evidence that the camera stands.
    const isSeen = probe !== undefined && probe.confidence >= minConfidence;
    const still = isSeen && medianFlowPx !== undefined && !(medianFlowPx >= neededFlowPx);
    const acceptedFrames = this.#graph.n + (still ? 0 : 1);
    const collecting = `${mismatch ? 'image does not match the one before: ' : ''}collecting frames (${acceptedFrames} of ${neededFrames})`;
    const waitingFor = still ? STANDSTILL : collecting;
    return { still, progress: { acceptedFrames, neededFrames, medianFlowPx, neededFlowPx, waitingFor } };
  }

  /** What the network sees from the last accepted frame to this one: median flow in grid px, median confidence (motion gate). */
  async #probe(source: number, target: number, clock: StageClock): Promise<{ flow: number; confidence: number }> {
    const graph = this.#graph;
    const held = [graph.source[0]!, graph.target[0]!] as const;
    graph.source[0] = source;
    graph.target[0] = target;
    await clock.time('correlate', () => this.#device.correlate(1));
    await clock.time('update', () => this.#device.update({ count: 1, source: graph.source, ...ALONE }));
    [graph.source[0], graph.target[0]] = held;
    await clock.time('readBack', () => this.#device.readBack({ ...NO_QUESTIONS, pairs: 1 }));
    const { delta, weight } = this.#device.buffers;
    const size = 2 * this.#parameters.patchesPerFrame;
    return { flow: medianFlow(delta.subarray(0, size)), confidence: lowerMedian([weight.subarray(0, size)]) };
  }

  #updatesDue(): number {
    const { initFrames, initUpdates, updatesPerFrame } = this.#parameters;
    if (this.#segment.initialized) return updatesPerFrame;
    return this.#graph.n >= initFrames ? initUpdates : 0;
  }

  /** Before the last of the first updates. */
  async #settleStart(clock: StageClock): Promise<void> {
    await settleStart({
      device: this.#device,
      graph: this.#graph,
      poses: this.#poses,
      parameters: this.#parameters,
      gridPerParameterPx: this.#gridPerParameterPx,
      update: () => this.#update(clock),
      adjust: () => clock.time('bundleAdjust', () => this.#adjust()),
    });
  }

  /** Reproject and correlate, update operator, bundle adjustment. */
  async #update(clock: StageClock): Promise<void> {
    const device = this.#device;
    const graph = this.#graph;
    const count = graph.pairCount;
    this.#pairs = count;
    graph.link();
    await clock.time('correlate', () => device.correlate(count));
    const { source, sourceIndex, previous, next } = graph;
    await clock.time('update', () => device.update({ count, source, sourceIndex, previous, next }));
    device.swap();
    await clock.time('bundleAdjust', () => this.#adjust());
  }

  #adjust(): Promise<void> {
    const { buffers } = this.#device;
    const freePoses = this.#graph.poseVariables(buffers.poseVariable, this.#segment.initialized);
    const iterations = this.#parameters.bundleAdjustIterations;
    return this.#device.bundleAdjust(this.#graph.pairCount, { ...SOLVER, freePoses, iterations });
  }

  /** Judges the update; then keyframes, retirement, poses that became final. */
  #commit(answers: Answers, init: InitProgress | undefined): Outcome {
    const segment = this.#segment;
    this.#seen = this.#graph.pairsInto(this.#graph.frames.at(-1)!.slot);
    const verdict = segment.judge(answers);
    const health = segment.health;
    if (!segment.initialized) {
      const failure = segment.initialize(verdict, answers);
      if (failure !== '') {
        this.#segment = this.#newSegment(segment.number, segment.T_world_segment);
        return this.#plain({
          health,
          reason: failure,
          init: init && { ...init, acceptedFrames: 0, waitingFor: failure },
        });
      }
    }
    if (verdict.state === 'LOST') {
      return { ...this.#plain({ health, reason: verdict.reason }), state: 'LOST', ...segment.endAsLost() };
    }
    const newest = segment.newestPose();
    const { poseCovariance } = this.#device.buffers;
    return {
      ...this.#plain({ health, reason: verdict.reason, isKeyframe: true }),
      state: verdict.state,
      T_world_camera: newest,
      poseCovariance: answers.solved ? poseCovariance.slice() : undefined,
      ...segment.advance(answers),
    };
  }

  #newSegment(number: number, T_world_segment: Pose, nextSlot = 0): Segment {
    this.#graph.clear(nextSlot);
    return new Segment({
      number,
      T_world_segment,
      parameters: this.#parameters,
      graph: this.#graph,
      device: this.#device,
      poses: this.#poses,
      gridPerParameterPx: this.#gridPerParameterPx,
    });
  }

  /** A result without a pose, completed by what is known. */
  #plain(known: Partial<Outcome>): Outcome {
    return {
      state:
        this.#state === 'LOST' && known.skipped !== true && this.#parameters.autoReinitialize
          ? 'INITIALIZING'
          : this.#state,
      skipped: false,
      reason: '',
      segment: this.#segment.number,
      T_world_camera: undefined,
      poseCovariance: undefined,
      isKeyframe: false,
      init: undefined,
      health: undefined,
      finalPoses: [],
      finalPoints: [],
      ...known,
    };
  }
}

const NOTHING: FinishResult = { finalPoses: [], finalPoints: [] };

/** Whether a frame before initialisation moved too little to take part, and how far the collection is. */
interface Admission {
  still: boolean;
  progress: InitProgress | undefined;
}

const ADMITTED: Admission = { still: false, progress: undefined };

const STANDSTILL = 'motion: move the camera sideways';

/** Pair tables of a single pair without neighbours. */
const ALONE = { sourceIndex: new Int32Array(1), previous: new Int32Array([-1]), next: new Int32Array([-1]) };
