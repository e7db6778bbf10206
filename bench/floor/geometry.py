# SPDX-License-Identifier: MIT
"""Two views and one view against points: essential matrix, triangulation, PnP. Poses are T_camera_world, 4x4; pixels are rectified."""
import cv2
import numpy as np

EPIPOLAR_PX = 1.0
REPROJECTION_PX = 2.0
LEAST_PNP_INLIERS = 15
LEAST_RELATIVE = 30


def pose_of(R, t):
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, np.ravel(t)
    return T


def project(K, T, points):
    """points [n, 3] in the world -> pixels [n, 2] and depths [n]"""
    p = points @ T[:3, :3].T + T[:3, 3]
    q = p @ K.T
    return q[:, :2] / q[:, 2:], p[:, 2]


def relative_pose(K, first, second):
    """Pose of the second view when the first is the origin, translation of length one, and the inliers [n] of bool; None without one."""
    if len(first) < LEAST_RELATIVE:
        return None
    E, mask = cv2.findEssentialMat(first, second, K, method=cv2.RANSAC, prob=0.9999, threshold=EPIPOLAR_PX)
    if E is None or E.shape != (3, 3):
        return None
    _, R, t, mask = cv2.recoverPose(E, first, second, K, mask=mask)
    return pose_of(R, t), mask.ravel() > 0


def triangulate(K, T_a, T_b, first, second, least_angle_deg):
    """Points [n, 3] seen from two poses each ([4, 4] or [n, 4, 4]), and which of them [n] of bool are in front of both cameras,
    reproject well and are seen under an angle that fixes their depth. Linear least squares on the two rays."""
    T_a, T_b = np.broadcast_to(T_a, (len(first), 4, 4)), np.broadcast_to(T_b, (len(first), 4, 4))
    rows = []
    for T, pixels in ((T_a, first), (T_b, second)):
        P = K @ T[:, :3]
        rows += [pixels[:, :1] * P[:, 2] - P[:, 0], pixels[:, 1:] * P[:, 2] - P[:, 1]]
    A = np.stack(rows, axis=1)
    A /= np.linalg.norm(A, axis=2, keepdims=True)
    homogeneous = np.linalg.svd(A)[2][:, -1]
    points = homogeneous[:, :3] / np.where(np.abs(homogeneous[:, 3:]) < 1e-12, 1e-12, homogeneous[:, 3:])
    good = np.ones(len(points), dtype=bool)
    rays = []
    for T, pixels in ((T_a, first), (T_b, second)):
        p = np.einsum("nij,nj->ni", T[:, :3, :3], points) + T[:, :3, 3]
        q = p @ K.T
        depth = np.where(np.abs(p[:, 2:]) < 1e-12, 1e-12, q[:, 2:])
        good &= (p[:, 2] > 0) & (np.linalg.norm(q[:, :2] / depth - pixels, axis=1) < REPROJECTION_PX)
        ray = np.einsum("nji,nj->ni", T[:, :3, :3], p)
        rays.append(ray / np.linalg.norm(ray, axis=1, keepdims=True))
    cosine = np.clip(np.sum(rays[0] * rays[1], axis=1), -1, 1)
    return points, good & (np.degrees(np.arccos(cosine)) > least_angle_deg)


def resect(K, points, pixels, guess):
    """Pose of a view from points [n, 3] and their pixels [n, 2], near the guess, and the inliers [n] of bool; None without one."""
    if len(points) < LEAST_PNP_INLIERS:
        return None
    rvec, tvec = cv2.Rodrigues(guess[:3, :3])[0], guess[:3, 3].reshape(3, 1).copy()
    found, rvec, tvec, inliers = cv2.solvePnPRansac(
        points, pixels, K, None, rvec, tvec, useExtrinsicGuess=True, iterationsCount=200, reprojectionError=REPROJECTION_PX, confidence=0.9999,
    )
    if not found or inliers is None or len(inliers) < LEAST_PNP_INLIERS:
        return None
    inliers = inliers.ravel()
    for _ in range(2):
        rvec, tvec = cv2.solvePnPRefineLM(points[inliers], pixels[inliers], K, None, rvec, tvec)
        T = pose_of(cv2.Rodrigues(rvec)[0], tvec)
        reprojected, depth = project(K, T, points)
        mask = (np.linalg.norm(reprojected - pixels, axis=1) < REPROJECTION_PX) & (depth > 0)
        inliers = np.flatnonzero(mask)
        if len(inliers) < LEAST_PNP_INLIERS:
            return None
    return T, mask
