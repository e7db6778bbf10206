// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import { IDENTITY, type Pose } from '../../odometry/Pose.ts';
import { compose, inverse } from '../../odometry/se3.ts';
import { unitPose } from './unitPose.ts';

interface Edge {
  parent: string;
  /** T_parent_child */
  pose: Pose;
}

/** More frames than a text can usefully name. */
const MAX_NAMED = 12;

/** The tree of fixed transforms, as /tf_static tells them one by one. Frame names have no leading slash (tf2); one of old drivers is dropped. */
export class StaticTransforms {
  readonly #edges = new Map<string, Edge>();

  /**
   * A child has one parent: what is told later counts, as in tf2.
   * @param pose T_frame_child
   * @throws QpvoError QPVO_CALIBRATION when it is no transform, has no names or closes a loop; the tree stays as it was
   */
  add(frame: string, child: string, pose: Pose): void {
    const [parent, name] = [plain(frame), plain(child)];
    const unit = unitPose(pose);
    if (parent === '' || name === '')
      throw refusal(frame, child, 'the names of two frames', 'an empty name', 'Set frame_id and child_frame_id.');
    if (unit === undefined) {
      const received = `translation [${pose.t.join(', ')}], rotation [${pose.q.join(', ')}]`;
      const advice = 'Correct the transform where it is published (all zeros are no rotation: none is 0 0 0 1).';
      throw refusal(frame, child, 'finite numbers and a quaternion of length 1', received, advice);
    }
    if (this.#toRoot(parent).includes(name)) {
      const received = `${this.#toRoot(parent).toReversed().join(' -> ')} -> ${name}`;
      throw refusal(frame, child, 'a tree', received, 'Publish this transform in one direction only.');
    }
    this.#edges.set(name, { parent, pose: unit });
  }

  /** T_parent_child along any chain, up and down; undefined when the frames are not connected. A frame is at itself, known or not. */
  lookup(parent: string, child: string): Pose | undefined {
    const [from, to] = [this.#toRoot(plain(parent)), this.#toRoot(plain(child))];
    const common = to.find((frame) => from.includes(frame));
    if (common === undefined) return undefined;
    const up = this.#chain(from.slice(0, from.indexOf(common)));
    const down = this.#chain(to.slice(0, to.indexOf(common)));
    return up === undefined ? (down ?? IDENTITY) : down === undefined ? inverse(up) : compose(inverse(up), down);
  }

  /** What is known of the way between two frames, and what is missing: a clause for a message. */
  describe(parent: string, child: string): string {
    const [from, to] = [plain(parent), plain(child)];
    if (this.#edges.size === 0) return 'no static transform has been received';
    const unknown = [...new Set([from, to])].filter((frame) => !this.#frames().includes(frame));
    if (unknown.length > 0) return `${unknown.map(quoted).join(' and ')} ${verb(unknown)}; ${this.#known()}`;
    const [above, below] = [this.#toRoot(from), this.#toRoot(to)];
    const common = below.find((frame) => above.includes(frame));
    if (common !== undefined) {
      const way = [...above.slice(0, above.indexOf(common) + 1), ...below.slice(0, below.indexOf(common)).toReversed()];
      return `connected: ${way.map(quoted).join(' - ')}`;
    }
    return `${this.#place(above)}, ${this.#place(below)}, and nothing connects these two trees`;
  }

  /** This frame and those above it, the root last. */
  #toRoot(frame: string): string[] {
    const chain = [frame];
    for (let edge = this.#edges.get(frame); edge !== undefined; edge = this.#edges.get(edge.parent)) {
      chain.push(edge.parent);
    }
    return chain;
  }

  /** Product along frames that lie one above the other, lowest first: T_(parent of the last)_(first). Undefined for none. */
  #chain(frames: readonly string[]): Pose | undefined {
    return frames
      .map((frame) => this.#edges.get(frame)!.pose)
      .reduce<Pose | undefined>((below, pose) => (below === undefined ? pose : compose(pose, below)), undefined);
  }

  #frames(): string[] {
    return [...new Set([...this.#edges].flatMap(([child, { parent }]) => [parent, child]))];
  }

  #known(): string {
    const frames = this.#frames().toSorted();
    const more = frames.length > MAX_NAMED ? ` and ${frames.length - MAX_NAMED} more` : '';
    return `known are ${frames.slice(0, MAX_NAMED).map(quoted).join(', ')}${more}`;
  }

  #place(chain: readonly string[]): string {
    return chain.length === 1
      ? `${quoted(chain[0]!)} is a root`
      : `${quoted(chain[0]!)} hangs below ${quoted(chain.at(-1)!)}`;
  }
}

/** Names of TF 1 may begin with a slash. */
function plain(frame: string): string {
  return frame.startsWith('/') ? frame.slice(1) : frame;
}

function quoted(frame: string): string {
  return `"${frame}"`;
}

function verb(frames: readonly string[]): string {
  return frames.length > 1 ? 'are in no transform' : 'is in no transform';
}

function refusal(frame: string, child: string, expected: string, received: string, advice: string): QpvoError {
  const what = `the static transform from "${frame}" to "${child}" cannot be used`;
  return new QpvoError('QPVO_CALIBRATION', { what, expected, received, advice });
}
