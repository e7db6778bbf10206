# SPDX-License-Identifier: MIT
"""The odometry: initialisation from two views, then a pose for each image, keyframes and points. No bundle adjustment, no loop closure."""
import numpy as np

import geometry
from tracks import Tracks

INIT_PARALLAX_PX = 25.0
INIT_ANGLE_DEG = 1.0
LEAST_INIT_POINTS = 50
NEW_POINT_ANGLE_DEG = 1.5
KEYFRAME_PARALLAX_PX = 20.0
KEYFRAME_KNOWN_SHARE = 0.6
LEAST_TRACKS = 60


class Odometry:
    """track() takes the images one by one; poses holds (index, segment, T_camera_world) of those that have one."""

    def __init__(self, camera, seed):
        """seed: of the order in which RANSAC gets the points; OpenCV draws the same places of the list every time."""
        self.camera = camera
        self.poses = []
        self._random = np.random.default_rng(seed)
        self._index = -1
        self._segment = -1
        self._tracks = Tracks()
        self._restart()

    def _restart(self):
        """Without a map: the next image becomes the first view of a new segment."""
        self._points = {}       # id -> position in the world [3]
        self._first_seen = {}   # id -> (pixel [2], T_camera_world) at the keyframe that found it
        self._views = []        # before initialisation: (index, {id: pixel}) of the images since the first view
        self._pose = None
        self._motion = np.eye(4)

    def track(self, image):
        self._index += 1
        self._tracks.follow(image)
        pixels = self.camera.rectify(self._tracks.pixels)
        seen = dict(zip(self._tracks.ids.tolist(), pixels))
        if self._pose is None:
            self._initialize(image, seen)
        elif not self._locate(seen):
            self._restart()
            self._initialize(image, seen)
        else:
            self._maybe_keyframe(image, seen)

    def _initialize(self, image, seen):
        if not self._views or len(seen.keys() & self._views[0][1].keys()) < LEAST_TRACKS:
            self._begin(image)
            return
        self._views.append((self._index, seen))
        first = self._views[0][1]
        ids = self._random.permutation(sorted(seen.keys() & first.keys())).tolist()
        a, b = (np.array([view[i] for i in ids]) for view in (first, seen))
        if np.median(np.linalg.norm(a - b, axis=1)) < INIT_PARALLAX_PX:
            return
        relative = geometry.relative_pose(self.camera.K, a, b)
        if relative is None:
            return
        T, inliers = relative
        points, good = geometry.triangulate(self.camera.K, np.eye(4), T, a, b, INIT_ANGLE_DEG)
        good &= inliers
        if np.count_nonzero(good) < LEAST_INIT_POINTS or np.count_nonzero(good) < 0.5 * len(ids):
            return
        self._points = {i: point for i, point, ok in zip(ids, points, good) if ok}
        self._open_segment(T)
        self._add_keyframe(image, seen)

    def _begin(self, image):
        """Makes the image the first view."""
        self._tracks.add_corners(image)
        pixels = self.camera.rectify(self._tracks.pixels)
        self._views = [(self._index, dict(zip(self._tracks.ids.tolist(), pixels)))]

    def _open_segment(self, T):
        """Poses of all images since the first view: its own is the origin, those between are found from the points."""
        self._segment += 1
        pose = np.eye(4)
        self.poses.append((self._views[0][0], self._segment, pose))
        for index, seen in self._views[1:-1]:
            located = self._resect(seen, pose)
            if located is not None:
                pose = located[0]
                self.poses.append((index, self._segment, pose))
        self._motion = T @ np.linalg.inv(pose)
        self._pose = T
        self.poses.append((self._index, self._segment, T))
        self._views = []

    def _resect(self, seen, guess):
        """Pose from the points that are seen, their ids, and which of them fit."""
        ids = self._random.permutation([i for i in seen if i in self._points]).tolist()
        points = np.array([self._points[i] for i in ids]).reshape(-1, 3)
        pixels = np.array([seen[i] for i in ids]).reshape(-1, 2)
        located = geometry.resect(self.camera.K, points, pixels, guess)
        return None if located is None else (located[0], ids, located[1])

    def _locate(self, seen):
        located = self._resect(seen, self._motion @ self._pose)
        if located is None:
            return False
        T, ids, inliers = located
        outliers = {i for i, ok in zip(ids, inliers) if not ok}
        self._tracks.drop(outliers)
        for i in outliers:
            del self._points[i], seen[i]
        self._motion = T @ np.linalg.inv(self._pose)
        self._pose = T
        self.poses.append((self._index, self._segment, T))
        return True

    def _maybe_keyframe(self, image, seen):
        known = [i for i in seen if i in self._points]
        moved = [np.linalg.norm(seen[i] - self._keyframe[i]) for i in known if i in self._keyframe]
        stale = len(moved) < KEYFRAME_KNOWN_SHARE * self._keyframe_known
        if stale or not moved or np.median(moved) > KEYFRAME_PARALLAX_PX:
            self._add_keyframe(image, seen)

    def _add_keyframe(self, image, seen):
        """New points from the tracks that have none, then new tracks."""
        waiting = [i for i in seen if i not in self._points and i in self._first_seen]
        if waiting:
            first = np.array([self._first_seen[i][0] for i in waiting])
            poses = np.array([self._first_seen[i][1] for i in waiting])
            now = np.array([seen[i] for i in waiting])
            points, good = geometry.triangulate(self.camera.K, poses, self._pose, first, now, NEW_POINT_ANGLE_DEG)
            self._points.update((i, point) for i, point, ok in zip(waiting, points, good) if ok)
        self._tracks.add_corners(image)
        pixels = self.camera.rectify(self._tracks.pixels)
        self._keyframe = dict(zip(self._tracks.ids.tolist(), pixels))
        self._points = {i: point for i, point in self._points.items() if i in self._keyframe}
        self._keyframe_known = len(self._points)
        self._first_seen = {i: self._first_seen.get(i, (pixel, self._pose)) for i, pixel in self._keyframe.items()}
