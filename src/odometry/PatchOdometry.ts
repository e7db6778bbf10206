// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { RectifiedCamera } from '../camera/RectifiedCamera.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import { QpvoError } from '../error.ts';
import { type CameraImage, toCameraImage } from '../messages/pixels.ts';
import type { CellArea, CpuOps } from '../native/addon.ts';
import type { Network } from '../network/Network.ts';
import type { NetworkForms } from '../network/neededParts.ts';
import { openNetwork } from '../network/openNetwork.ts';
import type { ImageFrame } from '../sources/Source.ts';
import { HiddenState } from './HiddenState.ts';
import { imageRefusal } from './imageRefusal.ts';
import { lowerMedian, medianFlow } from './median.ts';
import { predictPose } from './motionModel.ts';
import { createOps, type OdometryOps, threadCount } from './OdometryOps.ts';
import { PatchGraph } from './PatchGraph.ts';
import { IDENTITY, type Pose } from './Pose.ts';
import { PoseTable } from './PoseTable.ts';
import { Segment } from './Segment.ts';
import { StageClock } from './StageClock.ts';
import { GRID_STRIDE, REFERENCE_WIDTH, SOLVER } from './solver.ts';
import { grayOf, type SeenPair, type TrackingView, tracksOf } from './TrackingView.ts';
import type { FinishResult, InitProgress, TrackingState, TrackResult } from './types.ts';
import { maxPairs, maxSources, ringSlots } from './windows.ts';

export interface OdometryOptions extends Partial<NetworkForms> {
  calibration: CameraCalibration;
  /** Folder of the model: manifest.json and its files. */
  modelDir: string;
  parameters: OdometryParameters;
}

/** What a frame says about itself besides its pose. */
type Outcome = Omit<TrackResult, 'sequence' | 'stampNs' | 'pairs' | 'stagesMs' | 'latencyMs'>;

/**
 * Monocular patch odometry: images in, poses out (Deep Patch Visual Odometry, Teed, Lipson, Deng, arXiv 2208.04726). One call at a time. Lost tracking is a state of the
 * result, never an error; track() rejects only when the machine fails (closed, addon or network error) or the very first image contradicts the calibration.
 */
export class PatchOdometry {
  readonly #parameters: OdometryParameters;
  readonly #ops: CpuOps;
  readonly #camera: RectifiedCamera;
  readonly #area: CellArea;
  readonly #network: Network;
  readonly #graph: PatchGraph;
  readonly #hidden: HiddenState;
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

  static async create(options: OdometryOptions): Promise<PatchOdometry> {
    const { parameters, calibration, modelDir, runtime, precision } = options;
    const network = await openNetwork(modelDir, {
      threads: threadCount(parameters),
      ...(runtime === undefined ? {} : { runtime }),
      ...(precision === undefined ? {} : { precision }),
    });
    try {
      const made = await createOps(calibration, network.manifest, parameters);
      network.allocate({
        height: made.camera.height,
        width: made.camera.width,
        patches: parameters.patchesPerFrame,
        maxPairs: maxPairs(parameters),
        maxSources: maxSources(parameters),
        ringSlots: ringSlots(parameters),
        buffers: made.ops.buffers,
      });
      return new PatchOdometry(options, made, network);
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  private constructor({ parameters, calibration }: OdometryOptions, made: OdometryOps, network: Network) {
    const { ops, camera, area } = made;
    this.#parameters = parameters;
    this.#calibration = calibration;
    this.#ops = ops;
    this.#camera = camera;
    this.#area = area;
    this.#network = network;
    this.#hidden = new HiddenState(ops.buffers, parameters.patchesPerFrame * network.manifest.sizes.hiddenDim);
    this.#graph = new PatchGraph(parameters, this.#hidden, ops.buffers.pairSource, ops.buffers.pairTarget);
    this.#poses = new PoseTable(ops.buffers.poses);
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
    if (this.#busy || !this.#hasImage) return undefined;
    const { width, height } = this.#camera;
    const { buffers } = this.#ops;
    return {
      width,
      height,
      gray: grayOf(buffers.image, width * height, this.#network.manifest.normalisation),
      tracks: tracksOf(buffers, this.#seen, this.#parameters.patchesPerFrame),
    };
  }

  close(): Promise<void> {
    return this.#alone(async () => {
      this.#ops.close();
      await this.#network.close();
    });
  }

  /** A second call meanwhile is refused before it changes anything. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
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
    await clock.time('encode', () => this.#network.encode());
    await clock.time('insert', () => this.#ops.insertFrame(slot));
    const { still, progress } = this.#segment.initialized ? ADMITTED : await this.#admit(slot, clock);
    if (still) {
      this.#segment.pass(sequence, frame.stampNs);
      return this.#plain({ init: progress, reason: STANDSTILL });
    }
    this.#segment.add(graph.accept(sequence, frame.stampNs));
    const updates = this.#updatesDue();
    let evidence = { solved: true, validEdges: 0 };
    for (let k = 0; k < updates; k++) evidence = await this.#update(clock);
    if (updates === 0) return this.#plain({ init: progress, reason: progress?.waitingFor ?? '', isKeyframe: true });
    return clock.time('commit', () => this.#commit(evidence, progress));
  }

  async #prepare(frame: ImageFrame, slot: number, sequence: number): Promise<void> {
    const { seed, patchSelection } = this.#parameters;
    const image: CameraImage = toCameraImage(frame, this.#network.manifest.sizes.inputChannels, this.#pixels);
    if (image.data !== frame.data) this.#pixels = image.data;
    this.#hasImage = true;
    this.#seen = [];
    await this.#ops.prepareImage(image.data, image.width, image.height, image.channels, image.step);
    await this.#ops.samplePatches(slot, seed, sequence, patchSelection, this.#depthPrior(), this.#area);
  }

  /** Before initialisation every patch gets a random depth of its own (-1); afterwards the median of the last three frames. */
  #depthPrior(): number {
    if (!this.#segment.initialized) return -1;
    const { inverseDepth, patchStride } = this.#ops.buffers;
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
    await clock.time('correlate', () => this.#ops.correlate(1));
    await clock.time('update', () =>
      this.#network.update({ ...this.#hidden.batch(1), source: graph.source, ...ALONE }),
    );
    [graph.source[0], graph.target[0]] = held;
    const { delta, weight } = this.#ops.buffers;
    const size = 2 * this.#parameters.patchesPerFrame;
    return { flow: medianFlow(delta.subarray(0, size)), confidence: lowerMedian([weight.subarray(0, size)]) };
  }

  #updatesDue(): number {
    const { initFrames, initUpdates, updatesPerFrame } = this.#parameters;
    if (this.#segment.initialized) return updatesPerFrame;
    return this.#graph.n >= initFrames ? initUpdates : 0;
  }

  /** Reproject and correlate, update operator, bundle adjustment. */
  async #update(clock: StageClock): Promise<{ solved: boolean; validEdges: number }> {
    const graph = this.#graph;
    const count = graph.pairCount;
    this.#pairs = count;
    graph.link();
    await clock.time('correlate', () => this.#ops.correlate(count));
    await clock.time('update', () =>
      this.#network.update({
        ...this.#hidden.batch(count),
        source: graph.source,
        sourceIndex: graph.sourceIndex,
        previous: graph.previous,
        next: graph.next,
      }),
    );
    this.#hidden.swap();
    const freePoses = graph.poseVariables(this.#ops.buffers.poseVariable, this.#segment.initialized);
    const iterations = this.#parameters.bundleAdjustIterations;
    return clock.time('bundleAdjust', () => this.#ops.bundleAdjust(count, { ...SOLVER, freePoses, iterations }));
  }

  /** Judges the update; then keyframes, retirement, poses that became final. */
  #commit(evidence: { solved: boolean; validEdges: number }, init: InitProgress | undefined): Outcome {
    const segment = this.#segment;
    this.#seen = this.#graph.pairsInto(this.#graph.frames.at(-1)!.slot);
    const verdict = segment.judge(evidence);
    const health = segment.health;
    if (!segment.initialized) {
      const failure = segment.initialize(verdict);
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
    const { poseCovariance } = this.#ops.buffers;
    return {
      ...this.#plain({ health, reason: verdict.reason, isKeyframe: true }),
      state: verdict.state,
      T_world_camera: newest,
      poseCovariance: evidence.solved ? poseCovariance.slice() : undefined,
      ...segment.advance(),
    };
  }

  #newSegment(number: number, T_world_segment: Pose, nextSlot = 0): Segment {
    this.#graph.clear(nextSlot);
    return new Segment({
      number,
      T_world_segment,
      parameters: this.#parameters,
      graph: this.#graph,
      ops: this.#ops,
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
