# SPDX-License-Identifier: MIT
"""INT8: which layers, fake quantization with learnable scales, calibration."""
