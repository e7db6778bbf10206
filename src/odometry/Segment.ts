// SPDX-License-Identifier: MIT
import type { OdometryParameters } from '../config/parameters.ts';
import type {
  Answers,
  FlowAnswer,
  FlowQuestion,
  FrameDevice,
  HealthAnswer,
  HealthQuestion,
  Questions,
} from './FrameDevice.ts';
import { healthQuestion } from './healthQuestion.ts';
import { mapPoints } from './mapPoints.ts';
import type { GraphFrame, PatchGraph } from './PatchGraph.ts';
import type { Pose } from './Pose.ts';
import type { PoseTable } from './PoseTable.ts';
import { compose, inverse, isFinitePose } from './se3.ts';
import { FLOW_BETA } from './solver.ts';
import { TrackingMonitor } from './TrackingMonitor.ts';
import { Trajectory, type TrajectoryEntry } from './Trajectory.ts';
import type { FinalPose, FinishResult, Health, MapPoint, TrackingState } from './types.ts';

export interface SegmentContext {
  number: number;
  /** Where the first camera of the segment stands in the world. */
  T_world_segment: Pose;
  parameters: OdometryParameters;
  graph: PatchGraph;
  device: FrameDevice;
  poses: PoseTable;
  /** Grid px per pixel of the parameters (which are meant at 640 px width). */
  gridPerParameterPx: number;
}

const NO_EVIDENCE: Health = { medianConfidence: 0, residualPx: 0, inlierShare: 0 };

/** A camera that stands still adds no keyframe, and its images wait for the pose of the last one: no more than this many of them. */
const PATIENCE = 1000;

/** Mean parallax over the first frames that depth needs to be observable at all, parameter px. */
const MIN_PARALLAX_PX = 1;

/** And its share of the flow: the errors of a pure turn pass for parallax of 1 to 6 % of it (9 % once), recorded flights begin with 40 % and more. */
const MIN_PARALLAX_SHARE = 0.1;

/** One stretch of uninterrupted tracking: its frames, their poses on the way out, and the judgement of its health. One scale throughout. */
export class Segment {
  readonly number: number;
  readonly T_world_segment: Pose;
  initialized = false;
  health: Health | undefined;
  readonly #context: SegmentContext;
  readonly #monitor: TrackingMonitor;
  readonly #trajectory = new Trajectory();
  readonly #entries = new Map<GraphFrame, TrajectoryEntry>();
  /** [pairs] of each question about health. */
  readonly #flags: Record<'newest' | 'link', Uint8Array>;
  /** Live poses of the last images, newest last. */
  readonly #recent: { sequence: number; T_world_camera: Pose }[] = [];

  constructor(context: SegmentContext) {
    this.#context = context;
    this.number = context.number;
    this.T_world_segment = context.T_world_segment;
    this.#monitor = new TrackingMonitor(context.parameters);
    const { length } = context.graph.source;
    this.#flags = { newest: new Uint8Array(length), link: new Uint8Array(length) };
  }

  add(frame: GraphFrame): void {
    this.#entries.set(frame, this.#trajectory.add(frame.sequence, frame.stampNs, this.number));
  }

  /** A frame that did not move enough to be collected. */
  pass(sequence: number, stampNs: bigint): void {
    this.#trajectory.pass(sequence, stampNs, this.number);
  }

  /** T_world_camera of the newest frame. */
  newestPose(): Pose {
    return compose(this.T_world_segment, inverse(this.#context.poses.get(this.#context.graph.frames.at(-1)!.slot)));
  }

  /** What has to be known to judge the last update and to go on: the health of the newest frame, how the newest frames hang together with the older ones, and flows. */
  questions(): Questions {
    const newest = this.#context.graph.frames.at(-1)!.sequence;
    const cut = this.#lastTrusted;
    return {
      pairs: 0,
      health: [
        this.#healthQuestion(this.#flags.newest, (source, target) => target === newest && source !== target),
        this.#healthQuestion(this.#flags.link, (source, target) => source > cut !== target > cut),
      ],
      flows: [...(this.initialized ? [] : [this.#wholeFlow()]), ...this.#keyframeFlows()],
    };
  }

  judge({ health: [ofNewest, ofLink], ...adjusted }: Answers): { state: TrackingState; reason: string } {
    const { graph, parameters } = this.#context;
    const newest = graph.frames.at(-1)!;
    const health = this.#health(ofNewest!);
    const link = this.#health(ofLink!);
    this.health = health;
    const finite = this.#firstBroken === undefined;
    if (finite) this.#recent.push({ sequence: newest.sequence, T_world_camera: this.newestPose() });
    if (this.#recent.length > parameters.lostFrames + 1) this.#recent.shift();
    const edges = Math.max(1, (graph.pairCount - graph.sourceCount) * parameters.patchesPerFrame);
    return this.#monitor.judge({
      health: health ?? NO_EVIDENCE,
      linkShare: link?.inlierShare,
      solved: adjusted.solved,
      validShare: adjusted.validEdges / edges,
      finite,
    });
  }

  /** After the first updates: empty when the segment is good enough to go on with, else the reason why it is not. */
  initialize(verdict: { state: TrackingState; reason: string }, answers: Answers): string {
    const { parameters, gridPerParameterPx } = this.#context;
    if (verdict.state === 'LOST' || !(this.health!.inlierShare >= parameters.lostInlierShare)) {
      return `initialisation failed: ${verdict.reason}`;
    }
    const { medianConfidence } = this.health!;
    if (!(medianConfidence >= parameters.initAcceptConfidence)) {
      return `initialisation failed: the images do not explain each other (confidence ${medianConfidence.toFixed(2)})`;
    }
    const { parallax, mean: flow } = flowOf(answers, this.#wholeFlow());
    if (!(parallax >= Math.max(MIN_PARALLAX_PX * gridPerParameterPx, MIN_PARALLAX_SHARE * flow)))
      return 'no parallax: the camera turns without moving, move it sideways';
    this.initialized = true;
    return '';
  }

  /** Keyframe removal, retirement and what became final. */
  advance(answers: Answers): { finalPoses: FinalPose[]; finalPoints: MapPoint[] } {
    const { graph } = this.#context;
    this.#removeRedundantKeyframe(answers);
    const finalPoints = graph.retire().flatMap((frame) => this.#points(frame));
    this.#settle(this.#finalCount());
    for (const frame of graph.evict()) this.#entries.delete(frame);
    return { finalPoses: this.#trajectory.takeFinal(this.T_world_segment), finalPoints };
  }

  /** How many of the oldest frames keep their pose: those out of reach of bundle adjustment, or all those past the keyframe test when too much waits for them. */
  #finalCount(): number {
    const { graph, parameters } = this.#context;
    if (this.#trajectory.waitingCount > PATIENCE) return graph.n - parameters.keyframeIndex + 1;
    return graph.n - Math.max(parameters.optimizationWindow, parameters.keyframeIndex);
  }

  /** Everything before this sequence number, as it stands; a pose that is not finite ends it earlier. */
  end(sequence: number): FinishResult {
    const { graph } = this.#context;
    const beforeSequence = Math.min(sequence, this.#firstBroken ?? sequence);
    const good = graph.frames.filter((frame) => frame.sequence < beforeSequence);
    this.#settle(good.length);
    this.#trajectory.discardFrom(beforeSequence);
    const finalPoints = good.filter((frame) => this.#isSource(frame)).flatMap((frame) => this.#points(frame));
    return { finalPoses: this.#trajectory.takeFinal(this.T_world_segment), finalPoints };
  }

  /** The images that do not match those before get no pose. */
  endAsLost(): FinishResult {
    return this.end(this.#lastTrusted + 1);
  }

  /** T_world_camera of the last image that can be trusted after a loss: where the next segment starts. */
  get lastTrustedPose(): Pose {
    return (
      this.#recent.findLast(({ sequence }) => sequence <= this.#lastTrusted)?.T_world_camera ?? this.T_world_segment
    );
  }

  /** T_world_camera of the last image with a pose, trusted so far: where the next segment starts when this one is ended from outside. */
  get lastPose(): Pose {
    return this.#recent.at(-1)?.T_world_camera ?? this.T_world_segment;
  }

  /** Sequence number of the first live frame whose pose is not finite. */
  get #firstBroken(): number | undefined {
    const { graph, poses } = this.#context;
    return graph.frames.find(({ slot }) => !isFinitePose(poses.get(slot)))?.sequence;
  }

  /** Sequence number of the last image before the newest lostFrames ones. */
  get #lastTrusted(): number {
    return this.#context.graph.frames.at(-1)!.sequence - this.#context.parameters.lostFrames;
  }

  /** Evidence over the pairs that the sequence numbers of source and target choose. */
  #healthQuestion(flags: Uint8Array, chosen: (source: number, target: number) => boolean): HealthQuestion {
    const { graph } = this.#context;
    const sequenceOf = new Map(graph.frames.map(({ slot, sequence }) => [slot, sequence]));
    for (let p = 0; p < graph.pairCount; p++) {
      flags[p] = chosen(sequenceOf.get(graph.source[p]!)!, sequenceOf.get(graph.target[p]!)!) ? 1 : 0;
    }
    return healthQuestion(graph.pairCount, flags, this.#context);
  }

  /** Undefined when no pair was chosen. */
  #health(found: HealthAnswer): Health | undefined {
    if (found.edges === 0) return undefined;
    return {
      medianConfidence: found.medianConfidence,
      residualPx: found.residual / this.#context.gridPerParameterPx,
      inlierShare: found.inlierShare,
    };
  }

  /** From the first frame to the newest. */
  #wholeFlow(): FlowQuestion {
    const { frames } = this.#context.graph;
    return { source: frames[0]!.slot, target: frames.at(-1)!.slot, beta: 1 };
  }

  /** Position of the frame that may be redundant, when it has neighbours. */
  get #keyframe(): number | undefined {
    const { graph, parameters } = this.#context;
    const k = graph.n - parameters.keyframeIndex;
    return k < 1 || k + 1 >= graph.n ? undefined : k;
  }

  /** Between the neighbours of that frame, both directions, over pairs that exist. */
  #keyframeFlows(): FlowQuestion[] {
    const { graph } = this.#context;
    const k = this.#keyframe;
    if (k === undefined) return [];
    const [before, after] = [graph.frames[k - 1]!.slot, graph.frames[k + 1]!.slot];
    return [flow(before, after), flow(after, before)].filter(({ source, target }) => graph.hasPair(source, target));
  }

  /** Tests frame n - keyframeIndex: little flow between its neighbours makes it redundant (DPVO, section 3.3). */
  #removeRedundantKeyframe(answers: Answers): void {
    const { graph, poses, parameters, gridPerParameterPx } = this.#context;
    const k = this.#keyframe;
    if (k === undefined) return;
    const [before, frame, after] = [graph.frames[k - 1]!, graph.frames[k]!, graph.frames[k + 1]!];
    const one = flowOf(answers, flow(before.slot, after.slot));
    const two = flowOf(answers, flow(after.slot, before.slot));
    // NaN, which keeps the frame, when a direction has no pair.
    if (!((one.mean + two.mean) / 2 < parameters.keyframeThresholdPx * gridPerParameterPx)) return;
    const relative = compose(poses.get(frame.slot), inverse(poses.get(before.slot)));
    this.#trajectory.follow(this.#entries.get(frame)!, this.#entries.get(before)!, relative);
    this.#entries.delete(frame);
    graph.removeFrame(k);
  }

  /** The poses of the first `count` frames will not change any more. */
  #settle(count: number): void {
    const { graph, poses } = this.#context;
    for (let f = 0; f < count; f++) {
      const frame = graph.frames[f]!;
      const entry = this.#entries.get(frame);
      if (entry !== undefined && entry.settled === undefined) entry.settled = poses.get(frame.slot);
    }
  }

  #isSource(frame: GraphFrame): boolean {
    const { graph } = this.#context;
    return graph.source.subarray(0, graph.pairCount).includes(frame.slot);
  }

  #points(frame: GraphFrame): MapPoint[] {
    const { device, parameters } = this.#context;
    return mapPoints(device, frame.slot, parameters.patchesPerFrame, this.T_world_segment, this.number);
  }
}

function flow(source: number, target: number): FlowQuestion {
  return { source, target, beta: FLOW_BETA };
}

/** NaN when it was not asked for. */
function flowOf({ flows }: Pick<Answers, 'flows'>, { source, target, beta }: FlowQuestion): FlowAnswer {
  const found = flows.find((answer) => answer.source === source && answer.target === target && answer.beta === beta);
  return found ?? { mean: Number.NaN, parallax: Number.NaN };
}
