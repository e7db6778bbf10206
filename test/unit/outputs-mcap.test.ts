// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CdrReader } from '@foxglove/cdr';
import { McapIndexedReader, type McapTypes } from '@mcap/core';
import { FileHandleReadable } from '@mcap/nodejs';
import { stampFromParts } from '../../src/messages/stamps.ts';
import { compose, inverse, log } from '../../src/odometry/se3.ts';
import { McapOutput } from '../../src/outputs/McapOutput.ts';
import { ROS2_SCHEMAS } from '../../src/outputs/ros2/schemas.ts';
import { countMessages } from './outputs-readBack.ts';
import { finalPosesOf, type SyntheticRun, syntheticRun } from './outputs-syntheticRun.ts';

interface Recorded {
  topic: string;
  type: string;
  encoding: string;
  message: McapTypes.Message;
}

interface Vector {
  x: number;
  y: number;
  z: number;
}

type Fields = Record<string, unknown>;

const BASIC: Record<string, (cdr: CdrReader) => unknown> = {
  bool: (cdr) => cdr.uint8() !== 0,
  uint8: (cdr) => cdr.uint8(),
  int32: (cdr) => cdr.int32(),
  uint32: (cdr) => cdr.uint32(),
  float64: (cdr) => cdr.float64(),
  string: (cdr) => cdr.string(),
};

/** Decodes CDR by a ros2msg schema: what a reader that only knows the file can do. */
function decode(type: string, schema: string, data: Uint8Array): Fields {
  const [main, ...parts] = schema.split(`${'='.repeat(80)}\n`);
  const definitions = new Map(parts.map((part) => [/^MSG: (\S+)/.exec(part)![1]!, part.replace(/^MSG: \S+\n/, '')]));
  const cdr = new CdrReader(data);
  const readType = (name: string, within: string): unknown => {
    if (BASIC[name]) return BASIC[name](cdr);
    const full = name.includes('/') ? name : `${within.split('/')[0]}/${name}`;
    const definition = definitions.get(full);
    assert.ok(definition !== undefined, `${full} is defined in the schema`);
    return readFields(definition, full);
  };
  const readFields = (definition: string, within: string): Fields => {
    const fields: Fields = {};
    for (const line of definition.split('\n').filter((text) => text !== '' && !text.includes('='))) {
      const [, type, array, name] = /^([\w/]+)(\[\d*\])? (\w+)/.exec(line)!;
      const fixed =
        array === undefined ? undefined : array === '[]' ? cdr.sequenceLength() : Number(array.slice(1, -1));
      fields[name!] =
        fixed === undefined ? readType(type!, within) : Array.from({ length: fixed }, () => readType(type!, within));
    }
    return fields;
  };
  const fields = readFields(main!, type);
  assert.equal(cdr.offset, data.byteLength, 'every byte is told by the schema');
  return fields;
}

async function readIndexed(path: string): Promise<{ recorded: Recorded[]; reader: McapIndexedReader }> {
  const handle = await open(path);
  try {
    const reader = await McapIndexedReader.Initialize({ readable: new FileHandleReadable(handle) });
    const recorded: Recorded[] = [];
    for await (const message of reader.readMessages({ validateCrcs: true })) {
      const channel = reader.channelsById.get(message.channelId)!;
      const { name } = reader.schemasById.get(channel.schemaId)!;
      recorded.push({
        topic: channel.topic,
        type: name,
        encoding: channel.messageEncoding,
        message: { ...message, data: message.data.slice() },
      });
    }
    return { recorded, reader };
  } finally {
    await handle.close();
  }
}

describe('McapOutput', () => {
  let folder: string;
  let run: SyntheticRun;
  let recorded: Recorded[];
  let reader: McapIndexedReader;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-mcap-'));
    run = syntheticRun();
    const output = await McapOutput.create(join(folder, 'a.mcap'), run.context);
    for (const result of run.results) await output.write(result);
    await output.finish(run.end, run.summary);
    ({ recorded, reader } = await readIndexed(output.path));
  });
  after(() => rm(folder, { recursive: true }));

  const on = (topic: string) => recorded.filter((entry) => entry.topic === topic);
  const decoded = (entry: Recorded) =>
    decode(entry.type, ROS2_SCHEMAS[entry.type as keyof typeof ROS2_SCHEMAS], entry.message.data);

  it('has a message on each topic for what there was, and none where there was no pose', () => {
    const live = run.results.filter((result) => result.T_world_camera).length;
    const clouds = run.results.filter((result) => result.finalPoints.length > 0).length + 1;
    assert.deepEqual(
      ['/odometry', '/tf', '/status', '/final_pose', '/path', '/points'].map((topic) => on(topic).length),
      [live, live, run.results.length, finalPosesOf(run).length, 1, clouds],
    );
    const lost = run.results.filter((result) => result.state === 'LOST').map((result) => result.stampNs);
    assert.ok(on('/odometry').every((entry) => !lost.includes(entry.message.logTime)));
    assert.ok(reader.statistics!.messageCount === BigInt(recorded.length) && reader.chunkIndexes.length > 1);
  });

  it('carries its schemas, and every ROS message decodes by the schema in the file', () => {
    for (const entry of recorded.filter((candidate) => candidate.encoding === 'cdr')) {
      const channel = reader.channelsById.get(entry.message.channelId)!;
      const schema = reader.schemasById.get(channel.schemaId)!;
      assert.equal(schema.encoding, 'ros2msg');
      const fields = decode(schema.name, new TextDecoder().decode(schema.data), entry.message.data);
      assert.ok(Object.keys(fields).length >= 1);
    }
  });

  it('odometry: stamp, frames, pose with x forward, covariance and velocity in the camera', () => {
    const results = run.results.filter((result) => result.T_world_camera);
    on('/odometry').forEach((entry, i) => {
      const message = decoded(entry) as {
        header: { stamp: { sec: number; nanosec: number }; frame_id: string };
        child_frame_id: string;
        pose: { pose: { position: Vector }; covariance: number[] };
        twist: { twist: { linear: Vector; angular: Vector }; covariance: number[] };
      };
      const result = results[i]!;
      const [x, y, z] = result.T_world_camera!.t;
      const { stamp, frame_id } = message.header;
      assert.equal(stampFromParts(stamp.sec, stamp.nanosec), result.stampNs);
      assert.deepEqual(
        [entry.message.logTime, frame_id, message.child_frame_id],
        [result.stampNs, 'odom', 'camera_optical'],
      );
      const { position } = message.pose.pose;
      for (const [actual, expected] of [
        [position.x, z],
        [position.y, -x],
        [position.z, -y],
      ]) {
        assert.ok(Math.abs(actual! - expected!) < 1e-12);
      }
      assert.equal(message.pose.covariance[7], result.state === 'DEGRADED' ? 9999 : 0);
      const before = results[i - 1];
      if (before?.sequence !== result.sequence - 1) {
        assert.equal(message.twist.covariance[0], -1, 'the first of a stretch has no velocity');
        return;
      }
      const motion = log(compose(inverse(before.T_world_camera!), result.T_world_camera!));
      const { linear, angular } = message.twist.twist;
      [linear.x, linear.y, linear.z, angular.x, angular.y, angular.z].forEach((value, k) => {
        assert.ok(Math.abs(value! - motion[k]! / 0.05) < 1e-9);
      });
    });
  });

  it('tf says the same as odometry, path the same as final poses', () => {
    type Stamped = { pose: { position: object } };
    const odometry = on('/odometry').map(
      (entry) => (decoded(entry).pose as { pose: { position: object } }).pose.position,
    );
    const transforms = on('/tf').map((entry) => {
      const [transform] = decoded(entry).transforms as {
        child_frame_id: string;
        transform: { translation: object };
      }[];
      assert.equal(transform!.child_frame_id, 'camera_optical');
      return transform!.transform.translation;
    });
    assert.deepEqual(transforms, odometry);
    const path = decoded(on('/path')[0]!).poses as Stamped[];
    assert.deepEqual(
      path.map((pose) => pose.pose.position),
      on('/final_pose').map((entry) => (decoded(entry) as unknown as Stamped).pose.position),
    );
  });

  it('points: x forward, colour in the bits of a float, segment', () => {
    const first = run.results.find((result) => result.finalPoints.length > 0)!;
    const cloud = decoded(on('/points')[0]!) as {
      width: number;
      height: number;
      point_step: number;
      row_step: number;
      data: number[];
    };
    assert.deepEqual(
      [cloud.width, cloud.height, cloud.row_step],
      [first.finalPoints.length, 1, cloud.width * cloud.point_step],
    );
    const view = new DataView(Uint8Array.from(cloud.data).buffer);
    first.finalPoints.forEach((point, i) => {
      const at = i * cloud.point_step;
      assert.ok(Math.abs(view.getFloat32(at, true) - point.z) < 1e-6);
      assert.ok(Math.abs(view.getFloat32(at + 4, true) + point.x) < 1e-6);
      assert.ok(Math.abs(view.getFloat32(at + 8, true) + point.y) < 1e-6);
      assert.equal(view.getUint32(at + 12, true), point.r * 65536 + point.g * 256 + point.b);
      assert.equal(view.getUint32(at + 16, true), point.segment);
    });
  });

  it('status: state, reason and progress as JSON', () => {
    const messages = on('/status').map((entry) => JSON.parse(new TextDecoder().decode(entry.message.data)));
    assert.deepEqual(
      messages.map((message) => [message.stampNs, message.state, message.reason]),
      run.results.map((result) => [String(result.stampNs), result.state, result.reason]),
    );
    assert.equal(messages[3].init.waitingFor, 'move the camera sideways');
    assert.ok(messages[100].health.medianConfidence > 0.5);
  });

  it('is complete after every chunk, without being closed', async () => {
    const long = syntheticRun(600);
    const output = await McapOutput.create(join(folder, 'b.mcap'), long.context);
    assert.equal((await countMessages(output.path)).size, 0);
    let poses = 0;
    let unwritten = 0;
    for (const result of long.results) {
      await output.write(result);
      if (result.T_world_camera) poses++;
      const written = (await countMessages(output.path)).get('/odometry') ?? 0;
      unwritten = Math.max(unwritten, poses - written);
    }
    assert.ok(unwritten > 0 && unwritten <= 20, `up to ${unwritten} poses are not yet in the unfinished file`);
    await output.finish(long.end, long.summary);
    assert.equal((await countMessages(output.path)).get('/status'), 600);
  });

  it('spends little on its small chunks', async () => {
    const { size } = await stat(join(folder, 'a.mcap'));
    const asMessages = recorded.reduce((sum, { message }) => sum + 31 + message.data.length, 0);
    const asIndex = 16 * recorded.length;
    const schemas = [...reader.schemasById.values()].reduce((sum, { data }) => sum + 2 * data.length, 0);
    assert.ok(reader.chunkIndexes.length > 10);
    const share = size / (asMessages + asIndex + schemas) - 1;
    assert.ok(share < 0.03, `${(100 * share).toFixed(1)} % more than the messages and their index`);
  });

  it('is a valid file for a run without any frame', async () => {
    const output = await McapOutput.create(join(folder, 'c.mcap'), run.context);
    await output.finish({ finalPoses: [], finalPoints: [] }, run.summary);
    assert.equal((await readIndexed(output.path)).recorded.length, 0);
  });

  it('says nothing about the pose of a skipped frame', async () => {
    const output = await McapOutput.create(join(folder, 'd.mcap'), run.context);
    const tracked = run.results.find((result) => result.T_world_camera)!;
    await output.write({ ...tracked, skipped: true, reason: 'the stamp goes back', finalPoses: [], finalPoints: [] });
    await output.finish({ finalPoses: [], finalPoints: [] }, run.summary);
    assert.deepEqual([...(await countMessages(output.path))], [['/status', 1]]);
  });
});
