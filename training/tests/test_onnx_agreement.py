# SPDX-License-Identifier: MIT
"""The network in PyTorch and the product's ONNX models in onnxruntime give the same values from the same weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from qpvo_train.network import NetworkSizes, PatchNetwork

MODEL = Path(__file__).parents[2] / "models" / "small"


@pytest.fixture(scope="module")
def runtime():
    return pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the network is not compared with the product's ONNX models")


@pytest.fixture(scope="module")
def network() -> PatchNetwork:
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed: the weights of the product's model cannot be read")
    sizes = json.loads((MODEL / "manifest.json").read_text())["sizes"]
    names = {"inputChannels": "input_channels", "featureDim": "feature_dim", "hiddenDim": "hidden_dim", "patchSize": "patch_size"}
    values = {names.get(key, key): tuple(value) if isinstance(value, list) else value for key, value in sizes.items()}
    network = PatchNetwork(NetworkSizes(**values))
    network.load_state_dict(safetensors.load_file(MODEL / "weights.safetensors"))
    return network.eval()


def outputs_of(runtime, name: str, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(MODEL / name, options, providers=["CPUExecutionProvider"])
    values = session.run(None, {key: np.ascontiguousarray(value.numpy()) for key, value in inputs.items()})
    return {output.name: torch.from_numpy(value) for output, value in zip(session.get_outputs(), values)}


@torch.no_grad()
def test_encoders_agree(runtime, network: PatchNetwork):
    images = torch.randint(0, 256, (1, 1, network.sizes.input_channels, 48, 80)).float()
    features, context = network.encode(images)
    normalised = 2 * images[0] / 255 - 0.5
    actual = outputs_of(runtime, "features.onnx", {"image": normalised})["features"]
    torch.testing.assert_close(actual[0].permute(1, 2, 0), features[0, 0], atol=2e-5, rtol=2e-5)

    cells = torch.tensor([0, 19, 20, 137, 239], dtype=torch.int32)
    actual = outputs_of(runtime, "context.onnx", {"image": normalised, "cells": cells})["context"]
    torch.testing.assert_close(actual, context[0, 0].flatten(0, 1)[cells.long()], atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(("frames", "patches"), [(1, 1), (2, 3), (6, 7)])
@torch.no_grad()
def test_update_operators_agree(runtime, network: PatchNetwork, frames: int, patches: int):
    """The product runs the operator for one source frame at a time, on correlations in the order [level][py][px][dy][dx]."""
    sizes, dim = network.sizes, network.sizes.hidden_dim
    window = 2 * sizes.radius + 1
    hidden = torch.randn(1, frames, frames, patches, dim)
    context = torch.randn(1, frames, patches, dim)
    correlation = torch.randn(1, frames, frames, patches, sizes.correlation_columns)
    expected = network.update(hidden, context, correlation)
    split = correlation.unflatten(-1, (window, window, sizes.patch_size, sizes.patch_size, len(sizes.levels)))
    columns = split.permute(0, 1, 2, 3, 8, 6, 7, 5, 4).flatten(4)
    for source in range(frames):
        inputs = {"hidden": hidden[0, source], "context": context[0, source, None], "correlation": columns[0, source].flatten(0, 1)}
        actual = outputs_of(runtime, "update.onnx", inputs)
        for name, value in zip(("hiddenOut", "delta", "weight"), expected):
            torch.testing.assert_close(actual[name], value[0, source].flatten(0, 1), atol=2e-5, rtol=2e-5)
