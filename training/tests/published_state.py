# SPDX-License-Identifier: MIT
"""A random state dict in the form of the published checkpoint."""

import torch

from qpvo_train.network import NetworkSizes, PatchNetwork

BASE = NetworkSizes(input_channels=3, width=32, feature_dim=128, hidden_dim=384)


def published_state() -> dict[str, torch.Tensor]:
    """94 tensors of the network and 4 vestigial ones, all named `module.`."""
    state = PatchNetwork(BASE).state_dict()
    vestigial = {f"update.lmbda.{name}": torch.rand(384, 384) for name in ("0.weight", "0.bias", "2.weight", "2.bias")}
    return {f"module.{name}": value for name, value in (state | vestigial).items()}
