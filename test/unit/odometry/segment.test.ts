// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { defaultParameters } from '../../../src/config/parameters.ts';
import type { Answers, FrameDevice } from '../../../src/odometry/FrameDevice.ts';
import { PatchGraph } from '../../../src/odometry/PatchGraph.ts';
import { IDENTITY } from '../../../src/odometry/Pose.ts';
import { PoseTable } from '../../../src/odometry/PoseTable.ts';
import { Segment } from '../../../src/odometry/Segment.ts';
import type { FinalPose } from '../../../src/odometry/types.ts';
import { ringSlots } from '../../../src/odometry/windows.ts';

/** A segment over a graph of its own, whose frames stand at (sequence, 0, 0), on a device that reports this flow between any two frames. */
class Stretch {
  readonly parameters = { ...defaultParameters(), patchesPerFrame: 8 };
  readonly graph = new PatchGraph(this.parameters, { move: () => {}, clear: () => {} });
  readonly poses = new PoseTable(new Float64Array(7 * ringSlots(this.parameters)));
  readonly segment: Segment;
  flow = 100;
  /** Images accepted so far. */
  images = 0;

  constructor() {
    const perSlot = ringSlots(this.parameters) * 16;
    const device = {
      pointCloud: () => new Float32Array(24).fill(1),
      buffers: {
        patchStride: 16,
        inverseDepth: new Float32Array(perSlot).fill(1),
        depthVariance: new Float32Array(perSlot).fill(1e-6),
        colors: new Uint8Array(perSlot * 3),
      },
    } as unknown as FrameDevice;
    this.segment = new Segment({
      number: 0,
      T_world_segment: IDENTITY,
      parameters: this.parameters,
      graph: this.graph,
      device,
      poses: this.poses,
      gridPerParameterPx: 0.25,
    });
  }

  /** One more image; returns what became final. */
  advance(): FinalPose[] {
    const sequence = this.images++;
    const frame = this.graph.accept(sequence, BigInt(sequence));
    this.poses.set(frame.slot, { t: [-sequence, 0, 0], q: [0, 0, 0, 1] });
    this.segment.add(frame);
    return this.segment.advance(answersOf(this.segment, this.flow, this.flow)).finalPoses;
  }
}

/** What a device answers that sees this flow between any two frames. */
function answersOf(segment: Segment, mean: number, parallax: number): Answers {
  const { flows } = segment.questions();
  return { solved: true, validEdges: 0, health: [], flows: flows.map((asked) => ({ ...asked, mean, parallax })) };
}

describe('poses of a segment', () => {
  it('are final once bundle adjustment has left them behind', () => {
    const stretch = new Stretch();
    for (let i = 0; i < 100; i++) {
      const final = stretch.advance().map(({ sequence }) => sequence);
      assert.deepEqual(final, i >= 7 ? [i - 7] : []);
    }
  });

  it('of a camera that stands still for hours come out all, in order, with a bounded number waiting', () => {
    const stretch = new Stretch();
    const final: FinalPose[] = [];
    for (let i = 0; i < 6000; i++) {
      stretch.flow = i < 20 || i >= 5900 ? 100 : 0;
      final.push(...stretch.advance());
      assert.ok(stretch.images - final.length <= 1002, `${stretch.images - final.length} images wait`);
    }
    final.push(...stretch.segment.end(Number.POSITIVE_INFINITY).finalPoses);
    assert.deepEqual(
      final.map(({ sequence }) => sequence),
      Array.from({ length: 6000 }, (_, i) => i),
    );
    // A dropped frame keeps its place relative to the frame it follows: nothing moved in between.
    for (const { sequence, T_world_camera } of final) assert.ok(Math.abs(T_world_camera.t[0] - sequence) < 1e-6);
  });

  it('end before an image gives nothing from that image on, though dropped frames hang on older ones', () => {
    const stretch = new Stretch();
    for (let i = 0; i < 12; i++) stretch.advance();
    stretch.flow = 0;
    const final = Array.from({ length: 12 }, () => stretch.advance()).flat();
    final.push(...stretch.segment.end(15).finalPoses);
    assert.deepEqual(final.map(({ sequence }) => sequence).slice(-5), [10, 11, 12, 13, 14]);
  });

  it('dropped frames are no keyframes', () => {
    const stretch = new Stretch();
    for (let i = 0; i < 12; i++) stretch.advance();
    stretch.flow = 0;
    const final = Array.from({ length: 12 }, () => stretch.advance()).flat();
    final.push(...stretch.segment.end(Number.POSITIVE_INFINITY).finalPoses);
    const dropped = final.filter(({ isKeyframe }) => !isKeyframe).map(({ sequence }) => sequence);
    // Each image of the last twelve has the fourth newest frame tested.
    assert.deepEqual(
      dropped,
      Array.from({ length: 12 }, (_, i) => 9 + i),
    );
  });
});

describe('the start of a segment', () => {
  const good = { state: 'TRACKING', reason: '' } as const;

  it('needs parallax, and parallax that is not just the error of a turn', () => {
    for (const [flow, parallax, starts] of [
      [20, 5, true],
      [20, 2.1, true],
      [20, 1.9, false],
      [1, 0.3, true],
      [1, 0.2, false],
      [0, Number.NaN, false],
    ] as const) {
      const stretch = new Stretch();
      for (let i = 0; i < 2; i++) stretch.segment.add(stretch.graph.accept(i, BigInt(i)));
      const segment = fresh(stretch);
      segment.health = { medianConfidence: 1, residualPx: 0, inlierShare: 1 };
      const reason = segment.initialize(good, answersOf(segment, flow, parallax));
      assert.equal(reason === '', starts, `flow ${flow}, parallax ${parallax}: ${reason}`);
      assert.equal(segment.initialized, starts);
    }
  });

  /** A segment over the same graph that nothing was asked of yet. */
  function fresh({ parameters, graph, poses }: Stretch): Segment {
    const context = { number: 0, T_world_segment: IDENTITY, gridPerParameterPx: 0.25, device: {} as FrameDevice };
    return new Segment({ ...context, parameters, graph, poses });
  }

  it('needs edges that agree, and says what fails', () => {
    const stretch = new Stretch();
    for (let i = 0; i < 2; i++) stretch.segment.add(stretch.graph.accept(i, BigInt(i)));
    const segment = fresh(stretch);
    const answers = answersOf(segment, 20, 20);
    segment.health = { medianConfidence: 1, residualPx: 0, inlierShare: stretch.parameters.lostInlierShare / 2 };
    assert.match(
      segment.initialize({ state: 'DEGRADED', reason: 'few agree' }, answers),
      /initialisation failed: few agree/,
    );
    segment.health = { medianConfidence: 1, residualPx: 0, inlierShare: 1 };
    assert.match(segment.initialize({ state: 'LOST', reason: 'no match' }, answers), /initialisation failed: no match/);
    const { initAcceptConfidence } = stretch.parameters;
    segment.health = { medianConfidence: initAcceptConfidence - 0.01, residualPx: 0, inlierShare: 1 };
    const tracking = { state: 'TRACKING', reason: '' } as const;
    assert.match(segment.initialize(tracking, answers), /images do not explain each other \(confidence 0\.19\)/);
    segment.health = { ...segment.health, medianConfidence: initAcceptConfidence };
    assert.equal(segment.initialize(tracking, answers), '');
    assert.equal(segment.initialized, true);
  });
});
