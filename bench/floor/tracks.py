# SPDX-License-Identifier: MIT
"""Corners followed from image to image: Shi-Tomasi on a grid, pyramidal Lucas-Kanade forward and back."""
import cv2
import numpy as np

GRID = (6, 9)  # rows, columns
CORNERS_PER_CELL = 12
QUALITY = 0.01
SPACING_PX = 10
BORDER_PX = 8
BACKWARD_PX = 1.0
KLT = {
    "winSize": (21, 21),
    "maxLevel": 4,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01),
}


class Tracks:
    """ids [n] int64 (never used twice) and pixels [n, 2] float32 in the newest image."""

    def __init__(self):
        self.ids = np.zeros(0, dtype=np.int64)
        self.pixels = np.zeros((0, 2), dtype=np.float32)
        self._image = None
        self._next_id = 0

    def follow(self, image):
        """Moves the tracks on to the image; those that do not come back to where they were are given up."""
        if len(self.ids) > 0:
            before = self.pixels.reshape(-1, 1, 2)
            after, found, _ = cv2.calcOpticalFlowPyrLK(self._image, image, before, None, **KLT)
            back, found_back, _ = cv2.calcOpticalFlowPyrLK(image, self._image, after, None, **KLT)
            distance = np.linalg.norm(back - before, axis=2).ravel()
            height, width = image.shape
            x, y = after[:, 0, 0], after[:, 0, 1]
            inside = (x > BORDER_PX) & (y > BORDER_PX) & (x < width - BORDER_PX) & (y < height - BORDER_PX)
            keep = (found.ravel() == 1) & (found_back.ravel() == 1) & (distance < BACKWARD_PX) & inside
            self.ids, self.pixels = self.ids[keep], after[keep, 0]
        self._image = image

    def drop(self, ids):
        keep = ~np.isin(self.ids, list(ids))
        self.ids, self.pixels = self.ids[keep], self.pixels[keep]

    def add_corners(self, image):
        """Fills cells of the grid up with the strongest corners that keep their distance from the tracks."""
        free = np.full(image.shape, 255, dtype=np.uint8)
        for x, y in self.pixels.astype(int):
            cv2.circle(free, (int(x), int(y)), SPACING_PX, 0, -1)
        rows = np.linspace(BORDER_PX, image.shape[0] - BORDER_PX, GRID[0] + 1).astype(int)
        columns = np.linspace(BORDER_PX, image.shape[1] - BORDER_PX, GRID[1] + 1).astype(int)
        found = []
        for top, bottom in zip(rows[:-1], rows[1:]):
            for left, right in zip(columns[:-1], columns[1:]):
                x, y = self.pixels[:, 0], self.pixels[:, 1]
                present = np.count_nonzero((x >= left) & (x < right) & (y >= top) & (y < bottom))
                if present >= CORNERS_PER_CELL:
                    continue
                cell = (slice(top, bottom), slice(left, right))
                corners = cv2.goodFeaturesToTrack(image[cell], CORNERS_PER_CELL - present, QUALITY, SPACING_PX, mask=free[cell])
                if corners is not None:
                    found.append(corners.reshape(-1, 2) + np.float32([left, top]))
        if found:
            pixels = np.concatenate(found)
            ids = self._next_id + np.arange(len(pixels))
            self._next_id += len(pixels)
            self.ids = np.concatenate([self.ids, ids])
            self.pixels = np.concatenate([self.pixels, pixels]).astype(np.float32)
