// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  encodeOdometryStatus,
  NODE_STATES,
  odometryStatusFields,
  readOdometryStatus,
  SCALE_STATES,
} from '../../../../src/messages/ros2/encode.ts';
import { ODOMETRY_STATUS_FIELDS } from '../../../../src/messages/ros2/odometryStatus.ts';
import { STATUS, STATUS_FIRST } from '../../../fixtures/ros2/rosSamples.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** The lines of an interface definition that declare something. */
function declarations(path: string): string[] {
  const lines = readFileSync(`${ROOT}${path}`, 'utf8').split('\n');
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
}

describe('interface definitions of this package', () => {
  const lines = declarations('msg/OdometryStatus.msg');
  const constants = lines.filter((line) => line.includes('=')).map((line) => /^uint8 (\w+)=(\d+)$/.exec(line)!);

  it('OdometryStatus.msg has the fields that are written, in their order', () => {
    const written = ODOMETRY_STATUS_FIELDS.map(([name, type]) => `${type} ${name}`);
    assert.deepEqual(
      lines.filter((line) => !line.includes('=')),
      ['std_msgs/Header header', ...written],
    );
  });

  it('OdometryStatus.msg has the numbers of the states', () => {
    const expected = [NODE_STATES, SCALE_STATES].flatMap((names) => names.map((name, i) => [name, String(i)]));
    assert.deepEqual(
      constants.map((match) => [match[1], match[2]]),
      expected,
    );
  });

  it('services', () => {
    assert.deepEqual(readdirSync(`${ROOT}srv`).sort(), [
      'GetState.srv',
      'ResetToPose.srv',
      'SaveTrajectory.srv',
      'SetScale.srv',
    ]);
    assert.deepEqual(declarations('srv/GetState.srv'), ['---', 'OdometryStatus status']);
    assert.deepEqual(declarations('srv/SetScale.srv'), ['float64 scale', '---', 'bool success', 'string message']);
  });
});

describe('odometry status', () => {
  it('is read as it was written, in every state', () => {
    for (const state of NODE_STATES) {
      for (const scaleState of SCALE_STATES) {
        for (const status of [STATUS, STATUS_FIRST]) {
          const message = { ...status, state, scaleState };
          assert.deepEqual(readOdometryStatus(encodeOdometryStatus(message)), message);
        }
      }
    }
  });

  it('as fields of a service response: ROS names, bigint counters, NaN for what is not known', () => {
    const fields = odometryStatusFields(STATUS_FIRST);
    assert.deepEqual(Object.keys(fields), ['header', ...ODOMETRY_STATUS_FIELDS.map(([name]) => name)]);
    assert.deepEqual(fields.header, { stamp: { sec: 0, nanosec: 0 }, frame_id: '' });
    assert.deepEqual([fields.state, fields.state_text, fields.frames_received], [5, 'STARTING', 0n]);
    assert.ok(Number.isNaN(fields.residual_px));
    assert.deepEqual(odometryStatusFields(STATUS).stage_names, ['prepare', 'encode', 'bundleAdjust']);
  });

  it('a state with an unknown number is refused', () => {
    const bytes = encodeOdometryStatus(STATUS_FIRST).slice();
    bytes[4 + 8 + 4 + 1] = 7;
    assert.throws(() => readOdometryStatus(bytes), /unknown state.*6 \(ERROR\).*7/);
  });
});
