// SPDX-License-Identifier: MIT
import type { NodeParameters } from '../config/nodeParameters.ts';
import type { SettledNode } from '../config/settleNode.ts';
import type { NodeState, OdometryStatusMessage } from '../messages/ros2/encode.ts';
import type { DiagnosticFacts } from './Diagnostics.ts';
import type { LogThrottle } from './LogThrottle.ts';
import { LoopDelay } from './LoopDelay.ts';
import type { NodeStatistics } from './NodeStatistics.ts';
import type { RosNode } from './RosNode.ts';
import type { ScaleKeeper } from './ScaleKeeper.ts';
import type { ScaleReference } from './ScaleReference.ts';
import type { Session } from './Session.ts';

/** The part of a configured node that is reported. */
type Configured = Pick<SettledNode, 'profile' | 'model'> & {
  statistics: NodeStatistics;
  scale: ScaleKeeper;
  reference: ScaleReference | undefined;
};

/** What the node says about itself: ~/status, /diagnostics, and log lines about what has been missing for too long. */
export class NodeReport {
  readonly #node: RosNode;
  readonly #log: LogThrottle;
  #before = { atMs: performance.now(), received: 0, dropped: 0 };
  readonly #loopDelay = new LoopDelay();
  #wasSilent = false;

  constructor(node: RosNode, log: LogThrottle) {
    this.#node = node;
    this.#log = log;
  }

  /** Says what the node waits for, and when the camera falls silent or comes back. */
  watch(session: Session | undefined, { camera_timeout_s }: NodeParameters): void {
    if (session === undefined) {
      this.#loopDelay.stop();
      this.#wasSilent = false;
      return;
    }
    this.#loopDelay.start();
    const obstacle = session.obstacle();
    if (obstacle !== '' && session.isOverdue) this.#log.say('error', `still waiting: ${obstacle}`);
    const isSilent = session.camera.silentS > camera_timeout_s;
    if (isSilent && !this.#wasSilent)
      this.#node.log('warn', `no image on ${session.camera.imageTopic} for ${camera_timeout_s} s`);
    if (!isSilent && this.#wasSilent) this.#node.log('info', `images on ${session.camera.imageTopic} again`);
    this.#wasSilent = isSilent;
  }

  close(): void {
    this.#loopDelay.stop();
  }

  status(
    configured: Configured | undefined,
    session: Session | undefined,
    values: NodeParameters,
    fault: string,
  ): OdometryStatusMessage {
    const last = session?.last;
    const statistics = configured?.statistics;
    const scale = configured?.scale.scale;
    return {
      stampNs: last?.stampNs ?? this.#node.nowNs(),
      frame: values.odom_frame,
      ...stateOf(session, fault),
      segment: session?.segment ?? 0,
      scaleState: scale?.state ?? 'UNSCALED',
      scale: scale?.factor ?? 1,
      scaleSpread: scale?.spread ?? 0,
      framesReceived: statistics?.received ?? 0,
      framesProcessed: statistics?.processed ?? 0,
      framesDropped: statistics?.dropped ?? 0,
      framesSkipped: statistics?.skipped ?? 0,
      keyframes: statistics?.keyframes ?? 0,
      distance: statistics?.distance ?? 0,
      latencyMs: statistics?.lastLatencyMs,
      processingMs: last?.latencyMs,
      stagesMs: last?.stagesMs ?? {},
      medianConfidence: last?.health?.medianConfidence,
      residualPx: last?.health?.residualPx,
      inlierShare: last?.health?.inlierShare,
      initFrames: last?.init?.acceptedFrames ?? 0,
      initFramesNeeded: last?.init?.neededFrames ?? 0,
      profile: configured?.profile.name ?? '',
      model: configured?.model ?? '',
      device: configured?.profile.device ?? '',
    };
  }

  /** For one message on /diagnostics; rates are over the time since the last call. */
  facts(
    configured: Configured | undefined,
    session: Session | undefined,
    values: NodeParameters,
    fault: string,
  ): DiagnosticFacts {
    const status = this.status(configured, session, values, fault);
    const statistics = configured?.statistics;
    return {
      lifecycle: this.#node.state,
      profile: status.profile,
      model: status.model,
      device: status.device,
      camera: session && statistics && this.#camera(session, statistics, values.camera_timeout_s),
      tracking: {
        state: session === undefined && fault === '' ? 'INACTIVE' : status.state,
        reason: status.reason,
        segment: status.segment,
        scale: `${status.scale.toPrecision(6)} ${status.scaleState}`,
        scaleIgnored: configured?.reference?.ignored,
        distance: status.distance,
        processed: status.framesProcessed,
        skipped: status.framesSkipped,
      },
      latencyMs: { p50: statistics?.latencyMs(0.5) ?? 0, p95: statistics?.latencyMs(0.95) ?? 0 },
      loopDelayMs: this.#loopDelay.takeP99Ms(),
      memoryMb: (process.memoryUsage.rss() + (session?.otherProcessesBytes ?? 0)) / 1e6,
    };
  }

  #camera({ camera }: Session, statistics: NodeStatistics, timeoutS: number): NonNullable<DiagnosticFacts['camera']> {
    const now = { atMs: performance.now(), received: statistics.received, dropped: statistics.dropped };
    const seconds = Math.max(1e-3, (now.atMs - this.#before.atMs) / 1000);
    const perSecond = (count: number): number => Math.max(0, count) / seconds;
    const { received, dropped } = this.#before;
    this.#before = now;
    const { processed, faults, lastFault } = statistics.takeReport();
    return {
      topic: camera.imageTopic,
      infoTopic: camera.infoTopic,
      publishers: camera.publishers,
      silentS: camera.silentS,
      timeoutS,
      received: now.received,
      dropped: now.dropped,
      processedHz: perSecond(processed),
      receivedHz: perSecond(now.received - received),
      droppedHz: perSecond(now.dropped - dropped),
      faults,
      lastFault,
    };
  }
}

function stateOf(session: Session | undefined, fault: string): { state: NodeState; reason: string } {
  if (session === undefined) {
    return fault === '' ? { state: 'STARTING', reason: 'the node is not active' } : { state: 'ERROR', reason: fault };
  }
  if (session.isPaused) return { state: 'PAUSED', reason: 'paused by a service' };
  const obstacle = session.obstacle();
  if (obstacle !== '') return { state: 'STARTING', reason: obstacle };
  const { last, standstill } = session;
  if (session.isOpening) return { state: 'STARTING', reason: 'the networks are being opened' };
  if (last === undefined) return { state: 'STARTING', reason: standstill || 'waiting for the first image' };
  return standstill === '' ? { state: last.state, reason: last.reason } : { state: 'LOST', reason: standstill };
}
