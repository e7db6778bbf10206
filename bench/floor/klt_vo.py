# SPDX-License-Identifier: MIT
"""Monocular odometry without learning and without bundle adjustment, as a floor for comparisons: KLT tracks, an essential matrix
for the first pair of keyframes, then PnP for every image and new points triangulated from keyframes.

Reads a request (JSON: images with path and stamp, intrinsics fx fy cx cy, distortion), writes a TUM trajectory (T_world_camera)
with a line "# segment N" before each segment, and prints a report as JSON.
"""
import argparse
import json
import sys
import time

import cv2
import numpy as np

from camera import Camera
from mapping import Odometry


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("request", help="JSON file that names the images and the camera")
    parser.add_argument("trajectory", help="TUM file to write")
    parser.add_argument("--seed", type=int, default=0, help="seed of RANSAC")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0: all")
    options = parser.parse_args()
    if options.threads > 0:
        cv2.setNumThreads(options.threads)
    with open(options.request, encoding="utf-8") as file:
        request = json.load(file)

    odometry = Odometry(Camera(request["intrinsics"], **request["distortion"]), options.seed)
    start = time.perf_counter()
    for entry in request["images"]:
        odometry.track(read_image(entry["path"]))
    seconds = time.perf_counter() - start
    stamps = [entry["stamp"] for entry in request["images"]]
    write_trajectory(options.trajectory, stamps, odometry.poses)

    segments = {segment for _, segment, _ in odometry.poses}
    report = {"images": len(stamps), "withPose": len(odometry.poses), "segments": len(segments), "fps": len(stamps) / seconds}
    print(json.dumps(report))


def read_image(path):
    image = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if image is None:
        sys.exit(f"cannot read the image {path}: expected a PNG or JPEG file")
    return image


def write_trajectory(path, stamps, poses):
    """poses: (index of the image, segment, T_camera_world 4x4) in any order."""
    with open(path, "w", encoding="utf-8") as file:
        last = None
        for index, segment, T_camera_world in sorted(poses, key=lambda pose: pose[0]):
            if segment != last:
                file.write(f"# segment {segment}\n")
                last = segment
            T = np.linalg.inv(T_camera_world)
            numbers = " ".join(f"{value:.9f}" for value in (*T[:3, 3], *quaternion_xyzw(T[:3, :3])))
            file.write(f"{stamps[index]} {numbers}\n")


def quaternion_xyzw(R):
    """Unit quaternion of a rotation: eigenvector of the largest eigenvalue (Bar-Itzhack 2000)."""
    K = np.array([
        [R[0, 0] - R[1, 1] - R[2, 2], R[1, 0] + R[0, 1], R[2, 0] + R[0, 2], R[2, 1] - R[1, 2]],
        [R[1, 0] + R[0, 1], R[1, 1] - R[0, 0] - R[2, 2], R[2, 1] + R[1, 2], R[0, 2] - R[2, 0]],
        [R[2, 0] + R[0, 2], R[2, 1] + R[1, 2], R[2, 2] - R[0, 0] - R[1, 1], R[1, 0] - R[0, 1]],
        [R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1], R[0, 0] + R[1, 1] + R[2, 2]],
    ])
    return np.linalg.eigh(K)[1][:, -1]


if __name__ == "__main__":
    main()
