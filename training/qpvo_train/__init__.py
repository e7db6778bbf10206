# SPDX-License-Identifier: MIT
"""Training of the networks of qpvo: renderer, differentiable odometry, training, evaluation, export."""
