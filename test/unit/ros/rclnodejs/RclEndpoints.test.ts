// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { RosQos } from '../../../../src/ros/RosNode.ts';
import { RclEndpoints } from '../../../../src/ros/rclnodejs/RclEndpoints.ts';
import { callService, FakeNode, fakeRclnodejs } from './FakeRclnodejs.ts';

const QOS: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 5 };

function endpoints(missing: string[] = []) {
  const node = new FakeNode('qpvo', 'front');
  const rcl = fakeRclnodejs(missing);
  return { node, rcl, ros: new RclEndpoints(rcl, node as never) };
}

describe('endpoints over rclnodejs', () => {
  it('names, time and topics come from rclnodejs', () => {
    const { ros } = endpoints();
    assert.equal(ros.fullName, '/front/qpvo');
    assert.equal(ros.nowNs(), 12_345_678_901n);
    assert.equal(ros.resolveTopic('~/odometry'), '/front/qpvo/odometry');
    assert.throws(() => ros.resolveTopic('no name'), { code: 'QPVO_ROS', message: /no name.*topic name is invalid/ });
  });

  it('publishes exactly the bytes of a view into a larger buffer', () => {
    const { ros, node } = endpoints();
    const publisher = ros.advertise('a/msg/A', 'topic', QOS);
    const pool = Uint8Array.from([9, 9, 0, 1, 2, 3, 9]);
    publisher.publish(pool.subarray(2, 6));
    assert.deepEqual([...node.publishers[0]!.sent[0]!], [0, 1, 2, 3]);
    assert.equal(publisher.subscribers, 2);
  });

  it('QoS is keep last, with reliability and durability as rmw numbers them', () => {
    const { ros, node } = endpoints();
    ros.advertise('a/msg/A', 'a', QOS);
    ros.advertise('a/msg/A', 'b', { reliability: 'best_effort', durability: 'transient_local', depth: 1 });
    assert.deepEqual(
      node.publishers.map(({ qos }) => qos.values),
      [
        [1, 5, 1, 2],
        [1, 1, 2, 1],
      ],
    );
  });

  it('a failing publish is told once and throws nothing', () => {
    const { ros, node } = endpoints();
    const publisher = ros.advertise('a/msg/A', 'topic', QOS);
    node.publishers[0]!.fault = new Error('context is gone');
    publisher.publish(Uint8Array.of(1));
    publisher.publish(Uint8Array.of(1));
    assert.deepEqual(node.logs, ['error: cannot publish on topic: context is gone']);
  });

  it('what is closed, or whose node is destroyed, does nothing more and is not closed twice', () => {
    const { ros, node } = endpoints();
    const taken: number[] = [];
    const publisher = ros.advertise('a/msg/A', 'a', QOS);
    const subscription = ros.subscribe('a/msg/A', 'b', QOS, () => taken.push(1));
    publisher.close();
    publisher.close();
    publisher.publish(Uint8Array.of(1));
    subscription.close();
    node.subscriptions[0]!.take(Buffer.of(1));
    assert.deepEqual([publisher.subscribers, subscription.publishers, taken.length], [0, 0, 0]);
    assert.deepEqual(node.logs, []);

    const late = ros.advertise('a/msg/A', 'c', QOS);
    ros.destroy();
    ros.destroy();
    late.publish(Uint8Array.of(1));
    late.close();
    assert.equal(node.destroyed, 1);
    assert.equal(node.publishers[1]!.isDestroyed, false, 'it ended with the node');
  });

  it('subscribes raw with a callback of one parameter, and guards it', () => {
    const { ros, node } = endpoints();
    const subscription = ros.subscribe('a/msg/A', 'topic', QOS, () => {
      throw new Error('defect');
    });
    const { options, take } = node.subscriptions[0]!;
    assert.equal(options.isRaw, true);
    assert.equal(take.length, 1, 'with two, rclnodejs would want message information');
    take(Buffer.of(1));
    assert.match(node.logs[0]!, /^error: internal error at a message on topic: Error: defect\n\s+at /);
    assert.equal(subscription.publishers, 3);
  });

  it('handles that are made in a row are told to the waiting thread once, and before one ends', async () => {
    const { ros, node } = endpoints();
    const first = ros.subscribe('a/msg/A', 'a', QOS, () => undefined);
    ros.subscribe('a/msg/A', 'b', QOS, () => undefined);
    ros.serve('a/srv/A', 'c', () => ({}));
    assert.equal(node.syncs, 0);
    await Promise.resolve();
    assert.equal(node.syncs, 1);
    first.close();
    assert.equal(node.syncs, 2);
    ros.subscribe('a/msg/A', 'd', QOS, () => undefined);
    ros.destroy();
    await Promise.resolve();
    assert.equal(node.syncs, 2, 'not after the end');
  });

  it('answers services at once and later', async () => {
    const { ros, node } = endpoints();
    ros.serve('a/srv/A', 'now', ({ a }) => ({ b: a }));
    ros.serve('a/srv/A', 'later', async () => ({ b: 2n }));
    assert.deepEqual(await callService(node.services[0]!, { a: 1 }), { b: 1 });
    assert.deepEqual(await callService(node.services[1]!, {}), { b: 2n });
  });

  it('a service that fails answers so, as far as its response can tell', async () => {
    const { ros, node } = endpoints();
    ros.serve('a/srv/A', '~/reset', () => {
      throw new Error('defect');
    });
    const template = { success: true, message: '' };
    assert.deepEqual(await callService(node.services[0]!, {}, template), { success: false, message: 'defect' });
    assert.deepEqual(await callService(node.services[0]!, {}, { poses: 0n }), { poses: 0n });
    assert.match(node.logs[0]!, /internal error in the service ~\/reset: Error: defect/);
  });

  it('an answer that comes after the end of its service is not sent', async () => {
    const { ros, node } = endpoints();
    let finish = (): void => undefined;
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const service = ros.serve('a/srv/A', 'slow', async () => {
      await work;
      return {};
    });
    let sent = 0;
    node.services[0]!.answer({}, { template: {}, send: () => sent++ });
    service.close();
    finish();
    await new Promise(setImmediate);
    assert.equal(sent, 0);
  });

  it('a response that cannot be sent is logged', async () => {
    const { ros, node } = endpoints();
    ros.serve('a/srv/A', 'odd', () => ({ poses: 'three' }));
    node.services[0]!.answer(
      {},
      {
        template: {},
        send: () => {
          throw new Error('not a number');
        },
      },
    );
    await new Promise(setImmediate);
    assert.deepEqual(node.logs, ['error: cannot answer a call of odd: not a number']);
  });

  it('nothing that rclnodejs throws in its turn leaves it', () => {
    const { node } = endpoints();
    node.onExecute = () => {
      throw new Error('bad request');
    };
    node.execute([]);
    assert.match(node.logs[0]!, /internal error at the messages and calls of this turn: Error: bad request/);
  });

  it('a topic that cannot be is an error with its name', () => {
    const { ros } = endpoints();
    assert.throws(() => ros.advertise('a/msg/A', 'no name', QOS), {
      code: 'QPVO_ROS',
      message: /cannot advertise no name \(a\/msg\/A\)/,
    });
  });

  it('looks for a type once', () => {
    const { ros, rcl } = endpoints(['qpvo/srv/SetScale']);
    assert.equal(ros.hasType('qpvo/srv/SetScale'), false);
    assert.equal(ros.hasType('qpvo/srv/SetScale'), false);
    assert.equal(ros.hasType('std_msgs/msg/Header'), true);
    assert.deepEqual(rcl.calls, ['require qpvo/srv/SetScale', 'require std_msgs/msg/Header']);
  });
});
