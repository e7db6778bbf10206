// SPDX-License-Identifier: MIT
import { messageOf } from '../error.ts';
import type { RosNode } from './RosNode.ts';

/** What runs in the node: OdometryNode. */
export interface NodeLogic {
  start(): void;
  close(): Promise<void>;
}

export interface NodeProgram<N extends RosNode> {
  /** Connects with ROS and makes the node, which hears nothing yet. */
  open(): Promise<{ node: N; spin(): void; close(): void }>;
  makeLogic(node: N): NodeLogic;
}

export interface Signals {
  on(name: 'SIGINT' | 'SIGTERM', handle: () => void): unknown;
  off(name: 'SIGINT' | 'SIGTERM', handle: () => void): unknown;
}

export interface NodeTimes {
  /** Signals that come so soon after the first are the same wish: a terminal and ros2 launch both send one. */
  sameWishMs: number;
  /** The end takes no longer. */
  endWithinMs: number;
}

const TIMES: NodeTimes = { sameWishMs: 1000, endWithinMs: 8000 };
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs a node until SIGINT or SIGTERM, then ends it in order, whatever its state: deactivate, clean up, shut down, close.
 *
 * @param onStuck called when it must end at once: at a second signal, or when the orderly end takes too long
 * @returns exit code: 0 after an orderly end
 */
export async function runNode<N extends RosNode>(
  program: NodeProgram<N>,
  signals: Signals,
  onStuck: (reason: string) => void,
  times: NodeTimes = TIMES,
): Promise<number> {
  const wish = awaitWish(signals, onStuck, times);
  try {
    const session = await program.open();
    try {
      if (!wish.isThere()) await live(program, session, wish.came);
    } finally {
      session.node.destroy();
      session.close();
    }
    return 0;
  } finally {
    wish.stop();
  }
}

async function live<N extends RosNode>(
  program: NodeProgram<N>,
  { node, spin }: { node: N; spin(): void },
  ended: Promise<void>,
): Promise<void> {
  const logic = program.makeLogic(node);
  try {
    logic.start();
    spin();
    node.log('info', `${node.fullName} is there, ${node.state}`);
    await ended;
  } finally {
    stepDown(node);
    await logic.close();
  }
}

/** From any state to finalized. A step that fails does not keep the next from being tried. */
function stepDown(node: RosNode): void {
  node.log('info', 'ending');
  try {
    if (node.state === 'active') node.transition('deactivate');
    if (node.state === 'inactive') node.transition('cleanup');
    if (node.state !== 'finalized') node.transition('shutdown');
  } catch (error) {
    node.log('error', `the node did not end in order: ${messageOf(error)}`);
  }
}

interface Wish {
  came: Promise<void>;
  isThere(): boolean;
  stop(): void;
}

/** The wish that the program ends. */
function awaitWish(signals: Signals, onStuck: (reason: string) => void, times: NodeTimes): Wish {
  let sinceMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let resolve = (): void => undefined;
  const came = new Promise<void>((done) => {
    resolve = done;
  });
  const handle = (): void => {
    if (sinceMs === undefined) {
      sinceMs = performance.now();
      timer = setTimeout(
        () => onStuck(`the node has not ended after ${times.endWithinMs / 1000} s`),
        times.endWithinMs,
      );
      resolve();
    } else if (performance.now() - sinceMs > times.sameWishMs) {
      onStuck('asked to end a second time');
    }
  };
  for (const name of SIGNALS) signals.on(name, handle);
  return {
    came,
    isThere: () => sinceMs !== undefined,
    stop: () => {
      clearTimeout(timer);
      for (const name of SIGNALS) signals.off(name, handle);
    },
  };
}
