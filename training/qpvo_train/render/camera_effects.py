# SPDX-License-Identifier: MIT
"""What a camera does to radiance: exposure and its drift, vignetting, defocus, noise, rolling illumination, JPEG; one look a clip."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass
class CameraLook:
    """level: wanted mean of the clip in 0..1; blur: exposure as a share of the frame interval; noise in 0..1 units; defocus: sigma px;
    adapts: share of a change of brightness that the automatic exposure makes up for, within about ten frames."""

    level: float
    blur: float
    drift: float
    jump: float
    vignette: float
    read_noise: float
    shot_noise: float
    defocus: float
    band: float
    jpeg: int
    gamma: float
    seed: int
    adapts: float = 0.0


# Wanted mean of a clip in 0..1: from badly lit to overexposed, where a good part of the pixels is saturated.
LEVELS = {"dark": (0.08, 0.2), "ordinary": (0.3, 0.55), "bright": (0.7, 0.85)}


def random_look(rng, light: str | None = None) -> CameraLook:
    """light: a key of LEVELS; without one it is dark with probability 0.15, else ordinary."""
    if light is None:
        light = "dark" if rng.random() < 0.15 else "ordinary"
    on = lambda share, value: value if rng.random() < share else 0.0
    noisy = 2.0 if light == "dark" else 1.0
    return CameraLook(
        level=rng.uniform(*LEVELS[light]),
        blur=on(0.25, rng.uniform(0.1, 0.6)),
        drift=on(0.4, 2 ** rng.uniform(-7, -4)),
        jump=on(0.05, rng.uniform(0.1, 0.5)),
        vignette=on(0.4, rng.uniform(0.05, 0.5)),
        read_noise=noisy * 2 ** rng.uniform(-9, -6.3),
        shot_noise=noisy * on(0.5, 2 ** rng.uniform(-7, -5)),
        defocus=on(0.15, rng.uniform(0.4, 1.2)),
        band=on(0.04, rng.uniform(0.05, 0.25)),
        jpeg=int(on(0.08, rng.integers(40, 90))),
        gamma=rng.uniform(0.7, 1.15),
        seed=int(rng.integers(1 << 31)),
    )


def gains(look: CameraLook, frames: int) -> np.ndarray:
    """Exposure factor of each frame, 0.4..2.2: a slow walk, and now and then one step of the automatic exposure."""
    rng = np.random.default_rng(look.seed)
    walk = np.cumsum(rng.normal(0, 1, frames) * look.drift)
    if look.jump:
        walk += look.jump * rng.choice([-1, 1]) * (np.arange(frames) >= rng.integers(1, max(2, frames)))
    return np.exp(walk - walk[0]).clip(0.4, 2.2)


def automatic_exposure(radiance: list[np.ndarray], look: CameraLook) -> np.ndarray:
    """Factor of each frame that follows the brightness of the frames before it, 1 on the whole."""
    level = np.log([np.mean(r[::4, ::4]) for r in radiance])
    followed = np.empty_like(level)
    followed[0] = level[0]
    for k in range(1, len(level)):
        followed[k] = followed[k - 1] + 0.15 * (level[k] - followed[k - 1])
    return np.exp(-look.adapts * (followed - level.mean()))


def develop(radiance: np.ndarray, look: CameraLook, exposure: float, frame: int) -> np.ndarray:
    """Radiance float32 [h, w] x exposure -> uint8 [h, w] of the given frame number."""
    h, w = radiance.shape
    rng = np.random.default_rng((look.seed, frame))
    x = radiance * np.float32(exposure)
    y1, x1 = np.linspace(-1, 1, h, dtype=np.float32)[:, None], np.linspace(-1, 1, w, dtype=np.float32)[None]
    if look.vignette:
        x = x * (1 - look.vignette * (x1 * x1 + y1 * y1) / 2)
    if look.band:
        x = x * (1 + look.band * np.sin(2 * np.pi * (1.5 * y1 + 0.37 * frame)))
    if look.defocus:
        x = cv2.GaussianBlur(x, (0, 0), look.defocus)
    x = np.maximum(x, 0) ** np.float32(look.gamma)
    x = x + rng.standard_normal(x.shape, np.float32) * np.sqrt(look.read_noise**2 + look.shot_noise**2 * np.minimum(x, 1))
    image = (x.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    if look.jpeg:
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg])[1], cv2.IMREAD_GRAYSCALE)
    return image


def exposure_for(radiance: list[np.ndarray], look: CameraLook) -> float:
    """The factor that brings the mean of the developed clip to look.level (before clipping and automatic exposure)."""
    sample = np.stack([r[::4, ::4] for r in radiance])
    return float(look.level ** (1 / look.gamma) / np.mean(np.maximum(sample, 0) ** look.gamma) ** (1 / look.gamma))
