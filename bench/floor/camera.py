# SPDX-License-Identifier: MIT
"""Pinhole camera with lens distortion, by OpenCV's definitions."""
import cv2
import numpy as np


class Camera:
    def __init__(self, intrinsics, model, coefficients):
        """intrinsics: fx fy cx cy in pixels; model: none, radtan, rational or equidistant."""
        fx, fy, cx, cy = intrinsics
        self.K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        self.coefficients = np.array(coefficients or [0, 0, 0, 0], dtype=np.float64)
        self.undistort = cv2.fisheye.undistortPoints if model == "equidistant" else cv2.undistortPoints

    def rectify(self, pixels):
        """Pixels of the recorded image [n, 2] -> pixels of an image without distortion and with the same K [n, 2]."""
        if len(pixels) == 0:
            return np.zeros((0, 2))
        points = pixels.reshape(-1, 1, 2).astype(np.float64)
        return self.undistort(points, self.K, self.coefficients, P=self.K).reshape(-1, 2)
