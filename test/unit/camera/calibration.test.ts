// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CameraInfoValues, calibrationFromCameraInfo } from '../../../src/camera/cameraInfo.ts';
import { readCalibrationFile } from '../../../src/camera/readCalibration.ts';

const ASL = `%YAML:1.0
sensor_type: camera
T_BS: {cols: 4, rows: 4, data: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}
resolution: [752, 480]
camera_model: pinhole
intrinsics: [458.654, 457.296, 367.215, 248.375] #fu, fv, cu, cv
distortion_model: radial-tangential
distortion_coefficients: [-0.28340811, 0.07395907, 0.00019359, 1.76187114e-05]
`;

const ROS = `image_width: 640
image_height: 480
camera_name: head
camera_matrix:
  rows: 3
  cols: 3
  data: [430.2, 0.0, 306.7, 0.0, 430.5, 227.2, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.33, 0.12, 0.001, -0.002, 0.0]
projection_matrix:
  rows: 3
  cols: 4
  data: [380, 0, 300, 0, 0, 400, 225, 0, 0, 0, 1, 0]
`;

const KALIBR = `cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [0.00348, 0.000715, -0.00205, 0.0002]
  distortion_model: equidistant
  intrinsics: [190.978, 190.973, 254.931, 256.897]
  resolution: [512, 512]
  rostopic: /cam0/image_raw
cam1:
  camera_model: pinhole
  distortion_coeffs: [0, 0, 0, 0]
  distortion_model: radtan
  intrinsics: [190.4, 190.4, 252.5, 255.5]
  resolution: [512, 512]
`;

const INFO: CameraInfoValues = {
  width: 640,
  height: 480,
  distortion_model: 'plumb_bob',
  d: [-0.3, 0.1, 0, 0, 0],
  k: [430, 0, 306, 0, 431, 227, 0, 0, 1],
  p: [380, 0, 300, 0, 0, 400, 225, 0, 0, 0, 1, 0],
};

describe('calibration files', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-calibration-'));
  });
  after(() => rm(folder, { recursive: true }));

  const read = async (text: string) => {
    const path = join(folder, 'camera.yaml');
    await writeFile(path, text);
    return readCalibrationFile(path);
  };

  it('reads an ASL sensor.yaml', async () => {
    const { origin, ...camera } = await read(ASL);
    assert.deepEqual(camera, {
      width: 752,
      height: 480,
      fx: 458.654,
      fy: 457.296,
      cx: 367.215,
      cy: 248.375,
      model: 'radtan',
      coefficients: [-0.28340811, 0.07395907, 0.00019359, 1.76187114e-5],
    });
    assert.equal(origin, join(folder, 'camera.yaml'));
  });

  it('reads a ROS camera_info file', async () => {
    const { origin: _, ...camera } = await read(ROS);
    assert.deepEqual(camera, {
      width: 640,
      height: 480,
      fx: 430.2,
      fy: 430.5,
      cx: 306.7,
      cy: 227.2,
      model: 'radtan',
      coefficients: [-0.33, 0.12, 0.001, -0.002, 0],
    });
  });

  it('reads the first camera of a Kalibr chain', async () => {
    const camera = await read(KALIBR);
    assert.equal(camera.model, 'equidistant');
    assert.equal(camera.fx, 190.978);
    assert.deepEqual(camera.coefficients, [0.00348, 0.000715, -0.00205, 0.0002]);
    assert.match(camera.origin, /\(cam0\)$/);
  });

  for (const [ros, model, coefficients] of [
    ['rational_polynomial', 'rational', [0.1, 0.2, 0, 0, 0.3, 0.4, 0.5, 0.6]],
    ['equidistant', 'equidistant', [0.1, 0, 0, 0]],
    ['fisheye', 'equidistant', [0.1, 0.2, 0.3, 0.4]],
    ['plumb_bob', 'radtan', [0.1, 0, 0, 0]],
  ] as const) {
    it(`knows ${ros} in a ROS file`, async () => {
      const text = ROS.replace('plumb_bob', ros).replace(/data: \[-0.33.*\]/, `data: [${coefficients.join(', ')}]`);
      const camera = await read(text);
      assert.equal(camera.model, model);
      assert.deepEqual(camera.coefficients, [...coefficients]);
    });
  }

  it('takes no model and no coefficients as no distortion', async () => {
    const camera = await read('intrinsics: [320, 320, 320, 240]\nresolution: [640, 480]\n');
    assert.equal(camera.model, 'none');
  });

  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['NaN', ASL.replace('458.654', '.nan'), /fx is not a finite number.*received NaN/],
    ['infinity', ASL.replace('367.215', '.inf'), /cx is not a finite number/],
    ['a negative focal length', ASL.replace('457.296', '-457.296'), /focal length fy.*received -457.296/],
    ['a focal length of zero', ASL.replace('458.654', '0'), /never calibrated/],
    ['a principal point far outside', ASL.replace('248.375', '2483'), /principal point cy.*expected -240 to 720/],
    ['three coefficients', ASL.replace(', 1.76187114e-05', ''), /expected 4 or 5 for radial-tangential.*received 3/],
    ['an infinite coefficient', ASL.replace('0.07395907', '.inf'), /coefficient 2 is not a finite number/],
    ['an unknown model', ASL.replace('radial-tangential', 'fov'), /unknown distortion model.*received "fov"/],
    ['another camera model', ASL.replace('pinhole', 'omni'), /expected camera_model pinhole.*received "omni"/],
    ['text for numbers', ASL.replace('458.654', 'wide'), /intrinsics as a list of 4 numbers/],
    ['missing resolution', ASL.replace(/resolution.*\n/, ''), /expected resolution.*received nothing/],
    ['no size', ASL.replace('[752, 480]', '[0, 480]'), /impossible image width/],
    [
      'another document',
      'name: robot\nwheels: 4\n',
      /not a known calibration.*keys name, wheels.*Write the keys camera_model, intrinsics \[fx, fy, cx, cy\]/,
    ],
    ['a list', '- 1\n- 2\n', /no mapping of keys/],
    ['damaged YAML', 'intrinsics: [1, 2\nresolution: }{', /not valid YAML/],
    ['an empty file', '', /no mapping of keys/],
  ];
  for (const [name, text, message] of refusals) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(read(text), { code: 'QPVO_CALIBRATION', message });
    });
  }

  it('refuses a file that is not there', async () => {
    await assert.rejects(readCalibrationFile(join(folder, 'nothing.yaml')), {
      code: 'QPVO_NOT_FOUND',
      message: /no file of that name.*--camera/,
    });
  });

  it('refuses a folder', async () => {
    await assert.rejects(readCalibrationFile(folder), { code: 'QPVO_CALIBRATION', message: /EISDIR/ });
  });
});

describe('CameraInfo messages', () => {
  it('takes K and D of a raw image', () => {
    const camera = calibrationFromCameraInfo(INFO, '/camera/camera_info');
    assert.deepEqual([camera.fx, camera.fy, camera.cx, camera.cy], [430, 431, 306, 227]);
    assert.equal(camera.model, 'radtan');
    assert.equal(camera.origin, '/camera/camera_info');
  });

  it('takes P of a rectified image', () => {
    const camera = calibrationFromCameraInfo(INFO, '/camera/camera_info', { rectified: true });
    assert.deepEqual([camera.fx, camera.fy, camera.cx, camera.cy], [380, 400, 300, 225]);
    assert.equal(camera.model, 'none');
  });

  it('takes typed arrays, as a CDR reader gives them', () => {
    const camera = calibrationFromCameraInfo(
      { ...INFO, d: Float64Array.from(INFO.d) as never, k: Float64Array.from(INFO.k) as never },
      '/camera/camera_info',
    );
    assert.deepEqual(camera.coefficients, [-0.3, 0.1, 0, 0, 0]);
  });

  for (const d of [[], [0, 0, 0, 0, 0]]) {
    it(`takes plumb_bob with ${d.length} zeros as no distortion`, () => {
      assert.equal(calibrationFromCameraInfo({ ...INFO, d }, 'topic').model, 'none');
    });
  }

  it('keeps equidistant with zeros: it bends rays even so', () => {
    const camera = calibrationFromCameraInfo({ ...INFO, distortion_model: 'equidistant', d: [0, 0, 0, 0] }, 'topic');
    assert.equal(camera.model, 'equidistant');
  });

  it('drops zero thin-prism terms behind the rational model, and refuses others', () => {
    const d = [0.1, 0.2, 0, 0, 0.3, 0.4, 0.5, 0.6, 0, 0, 0, 0];
    const info = { ...INFO, distortion_model: 'rational_polynomial' };
    assert.equal(calibrationFromCameraInfo({ ...info, d }, 'topic').coefficients.length, 8);
    d[9] = 0.01;
    assert.throws(() => calibrationFromCameraInfo({ ...info, d }, 'topic'), { code: 'QPVO_CALIBRATION' });
  });

  it('refuses an uncalibrated camera (K all zero)', () => {
    assert.throws(() => calibrationFromCameraInfo({ ...INFO, k: new Array(9).fill(0) }, 'topic'), {
      code: 'QPVO_CALIBRATION',
      message: /never calibrated/,
    });
  });

  it('refuses a matrix of the wrong length', () => {
    assert.throws(() => calibrationFromCameraInfo({ ...INFO, k: [1, 2] }, 'topic'), {
      code: 'QPVO_CALIBRATION',
      message: /expected 9 numbers, but received 2/,
    });
  });
});
