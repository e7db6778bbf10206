// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { LifecycleTransition } from '../../../src/ros/RosNode.ts';
import { type NodeProgram, runNode } from '../../../src/ros/runNode.ts';
import { InProcessGraph, type InProcessNode } from '../../fixtures/ros/InProcessGraph.ts';

const QUICK = { sameWishMs: 20, endWithinMs: 100 };

/** A program that notes what happens, and the signals that it hears. */
function program(
  change: Partial<NodeProgram<InProcessNode>> = {},
  onClose: () => Promise<void> = async () => undefined,
) {
  const signals = new EventEmitter();
  const events: string[] = [];
  const stuck: string[] = [];
  const node = new InProcessGraph().node('/qpvo');
  const note = (text: string) => () => events.push(text);
  const work = (text: string) => () => {
    events.push(text);
    return true;
  };
  node.manage({
    onConfigure: work('configure'),
    onActivate: work('activate'),
    onDeactivate: work('deactivate'),
    onCleanup: work('cleanup'),
    onShutdown: work('shutdown'),
  });
  const whole: NodeProgram<InProcessNode> = {
    open: async () => ({ node, spin: note('spin'), close: note('disconnect') }),
    makeLogic: () => ({
      start: note('start'),
      close: async () => {
        events.push('close');
        await onClose();
      },
    }),
    ...change,
  };
  const run = (times = QUICK) => runNode(whole, signals, (reason) => stuck.push(reason), times);
  return { signals, events, stuck, node, run };
}

/** Until what was begun has come to its next wait. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('running a node', () => {
  const paths: Record<string, { steps: LifecycleTransition[]; down: string[] }> = {
    unconfigured: { steps: [], down: ['shutdown'] },
    inactive: { steps: ['configure'], down: ['cleanup', 'shutdown'] },
    active: { steps: ['configure', 'activate'], down: ['deactivate', 'cleanup', 'shutdown'] },
    finalized: { steps: ['shutdown'], down: [] },
  };
  for (const [state, { steps, down }] of Object.entries(paths)) {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      it(`ends in order from ${state} at ${signal}`, async () => {
        const { run, node, signals, events } = program();
        const code = run();
        await turn();
        for (const step of steps) assert.equal(node.transition(step), true);
        events.length = 0;
        signals.emit(signal);
        assert.equal(await code, 0);
        assert.deepEqual(events, [...down, 'close', 'disconnect']);
        assert.equal(node.state, 'finalized');
        assert.equal(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM'), 0);
      });
    }
  }

  it('starts before it hears anything', async () => {
    const { run, signals, events } = program();
    const code = run();
    await turn();
    assert.deepEqual(events, ['start', 'spin']);
    signals.emit('SIGTERM');
    await code;
  });

  it('a step down that fails does not keep the node from ending', async () => {
    const { run, node, signals, events } = program();
    const code = run();
    await turn();
    node.manage({
      onConfigure: () => true,
      onActivate: () => true,
      onDeactivate: () => {
        throw new Error('defect');
      },
      onCleanup: () => true,
      onShutdown: () => true,
    });
    node.transition('configure');
    node.transition('activate');
    signals.emit('SIGINT');
    assert.equal(await code, 0);
    assert.deepEqual(events.slice(-2), ['close', 'disconnect']);
    assert.match(node.logged('error'), /did not end in order: defect/);
  });

  it('a signal while ROS is being reached ends before the node starts', async () => {
    const { signals, events, node } = program();
    const early: NodeProgram<InProcessNode> = {
      open: async () => {
        await turn();
        return { node, spin: () => undefined, close: () => events.push('disconnect') };
      },
      makeLogic: () => assert.fail('the node is not to start'),
    };
    const code = runNode(early, signals, assert.fail, QUICK);
    signals.emit('SIGINT');
    assert.equal(await code, 0);
    assert.deepEqual(events, ['disconnect']);
  });

  it('two signals at once are one wish; a later one ends at once', async () => {
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { run, signals, stuck } = program({}, () => slow);
    const code = run({ sameWishMs: 20, endWithinMs: 10_000 });
    await turn();
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    assert.deepEqual(stuck, []);
    await new Promise((resolve) => setTimeout(resolve, 30));
    signals.emit('SIGTERM');
    assert.deepEqual(stuck, ['asked to end a second time']);
    finish();
    assert.equal(await code, 0);
  });

  it('an end that takes too long is told', async () => {
    const { run, signals, stuck } = program({}, () => new Promise((resolve) => setTimeout(resolve, 60)));
    const code = run({ sameWishMs: 1, endWithinMs: 20 });
    await turn();
    signals.emit('SIGTERM');
    await code;
    assert.deepEqual(stuck, ['the node has not ended after 0.02 s']);
  });

  it('what cannot start rejects, with everything closed', async () => {
    const { run, events, signals } = program({
      makeLogic: () => ({
        start: () => {
          throw new Error('no start');
        },
        close: async () => undefined,
      }),
    });
    await assert.rejects(run(), /no start/);
    assert.equal(events.at(-1), 'disconnect');
    assert.equal(signals.listenerCount('SIGINT'), 0);
    const unreachable = program({ open: async () => Promise.reject(new Error('no ROS')) });
    await assert.rejects(unreachable.run(), /no ROS/);
  });
});
