# SPDX-License-Identifier: MIT
"""Procedural scenes, camera paths and the renderer that makes training clips and test sequences."""
