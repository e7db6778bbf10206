# SPDX-License-Identifier: MIT
"""Writes a sequence as an ASL / EuRoC folder: mav0/cam0 and mav0/state_groundtruth_estimate0, the body being the camera."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

FIRST_STAMP_NS = 1_700_000_000_000_000_000
# World of the file: z up. World of the renderer: y down.
UP = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])

SENSOR = """# Rendered camera. The body frame is the camera frame: z forward, x right, y down.
sensor_type: camera
comment: {comment}

# Pose of the camera in the body frame.
T_BS:
  cols: 4
  rows: 4
  data: [1.0, 0.0, 0.0, 0.0,
         0.0, 1.0, 0.0, 0.0,
         0.0, 0.0, 1.0, 0.0,
         0.0, 0.0, 0.0, 1.0]

rate_hz: {rate:g}
resolution: [{width}, {height}]
camera_model: pinhole
intrinsics: [{fx:.9f}, {fy:.9f}, {cx:.9f}, {cy:.9f}] # fu, fv, cu, cv
distortion_model: {model}
distortion_coefficients: [{coefficients}]
"""
TRUTH_HEADER = (
    "#timestamp, p_RS_R_x [m], p_RS_R_y [m], p_RS_R_z [m], q_RS_w [], q_RS_x [], q_RS_y [], q_RS_z [], "
    "v_RS_R_x [m s^-1], v_RS_R_y [m s^-1], v_RS_R_z [m s^-1], "
    "b_w_RS_S_x [rad s^-1], b_w_RS_S_y [rad s^-1], b_w_RS_S_z [rad s^-1], "
    "b_a_RS_S_x [m s^-2], b_a_RS_S_y [m s^-2], b_a_RS_S_z [m s^-2]"
)


def camera_poses(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World -> camera [n,3,4] of the renderer -> positions [n,3] and rotations [n,3,3] of the camera in the z-up world of the file."""
    R = UP @ poses[:, :, :3].transpose(0, 2, 1)
    return -np.einsum("nij,nj->ni", R, poses[:, :, 3]), R


def write_asl(folder, images: np.ndarray, poses: np.ndarray, K, rate: float, comment: str, meta: dict, *, distortion: tuple = (), jpeg: int = 0) -> None:
    """images uint8 [n,h,w]; poses float64 [n,3,4] world -> camera; K fx fy cx cy; meta goes to meta.json. The folder appears complete or not at all.

    distortion: k1 k2 p1 p2 of a radial-tangential lens, or none; jpeg: quality of JPEG files, 0 for PNG.
    """
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "mav0/cam0/data").mkdir(parents=True)
    (partial / "mav0/state_groundtruth_estimate0").mkdir()
    stamps = [FIRST_STAMP_NS + round(k * 1e9 / rate) for k in range(len(images))]
    kind, options = ("jpg", [cv2.IMWRITE_JPEG_QUALITY, jpeg, cv2.IMWRITE_JPEG_OPTIMIZE, 1]) if jpeg else ("png", [])
    for stamp, image in zip(stamps, images):
        cv2.imwrite(str(partial / f"mav0/cam0/data/{stamp}.{kind}"), image, options)
    height, width = images.shape[1:]
    model, coefficients = "radial-tangential" if distortion else "none", ", ".join(map(str, distortion))
    camera = dict(fx=K[0], fy=K[1], cx=K[2], cy=K[3], model=model, coefficients=coefficients)
    (partial / "mav0/cam0/sensor.yaml").write_text(SENSOR.format(comment=comment, rate=rate, width=width, height=height, **camera))
    lines = ["#timestamp [ns],filename", *(f"{s},{s}.{kind}" for s in stamps)]
    (partial / "mav0/cam0/data.csv").write_text("\n".join(lines) + "\n")
    (partial / "mav0/state_groundtruth_estimate0/data.csv").write_text("\n".join([TRUTH_HEADER, *_truth(stamps, poses, rate)]) + "\n")
    (partial / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def _truth(stamps, poses, rate):
    p, R = camera_poses(poses)
    velocity = np.gradient(p, 1 / rate, axis=0)
    for stamp, at, q, v in zip(stamps, p, Rotation.from_matrix(R).as_quat(), velocity):
        numbers = [f"{x:.9f}" for x in (*at, q[3], q[0], q[1], q[2])] + [f"{x:.6f}" for x in v] + ["0"] * 6
        yield ",".join([str(stamp), *numbers])
