# SPDX-License-Identifier: MIT
"""Small texture banks for the tests of the renderer."""

import functools

import numpy as np

from qpvo_train.render.bank import TextureBank
from qpvo_train.render.textures import KINDS, SIZE, draw_texture


@functools.cache
def small_bank() -> TextureBank:
    """One texture of each kind."""
    return TextureBank(np.stack([draw_texture(i) for i in range(len(KINDS))]))


@functools.cache
def checker_bank() -> TextureBank:
    """Texture 0: a checker board of single texels (0 and 255). Texture 1: a smooth wave."""
    y, x = np.mgrid[:SIZE, :SIZE]
    wave = 127.5 + 100 * np.sin(2 * np.pi * x / 32) * np.sin(2 * np.pi * y / 32)
    return TextureBank(np.stack([(x + y) % 2 * 255, wave]).astype(np.uint8))
