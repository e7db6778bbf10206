# SPDX-License-Identifier: MIT
"""Networks from weight files: state dicts with the tensor names of the published DPVO checkpoint, of any widths (section 12 of the specification)."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from .errors import TrainingError
from .inner_widths import narrow
from .network import NetworkSizes, PatchNetwork

NESTED = ("net", "state_dict", "model")  # keys under which training scripts put a state dict
VESTIGIAL = "update.lmbda."  # in the published checkpoint, used by nothing
# What the decoders of the three kinds raise.
DAMAGE = (OSError, ValueError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, safetensors.SafetensorError)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """fp32 tensors of a .pt, .pth, .npz or .safetensors file by name; `module.` and the vestigial tensors are dropped. Nothing in the file is executed.

    Raises TrainingError when the file is missing, damaged or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise TrainingError(f"no weights at {path}", expected="a .pt, .pth, .npz or .safetensors file", advice="Check the path.")
    try:
        tensors = _decode(path)
    except DAMAGE as error:
        raise TrainingError(f"cannot read the weights {path}", expected="tensors by name", received=str(error).split("\n")[0]) from None
    named = ((name.removeprefix("module."), value.float()) for name, value in tensors.items())
    return {name: value for name, value in named if not name.startswith(VESTIGIAL)}


def _decode(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in NESTED:
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)} if isinstance(state, dict) else {}
    if not tensors:
        raise ValueError("no tensors")
    return tensors


def infer_sizes(tensors: dict[str, Tensor]) -> NetworkSizes:
    """The widths, read off the tensors that fix them; patch, radius and levels are constants of the method. Raises TrainingError without those tensors."""
    names = ("patchify.fnet.conv1.weight", "patchify.fnet.conv2.weight", "patchify.inet.conv2.weight")
    missing = [name for name in names if name not in tensors or tensors[name].dim() != 4]
    if missing:
        raise TrainingError(
            f"no tensor {missing[0]} of four dimensions", expected="a state dict of a DPVO network", advice="Give weights of this package or dpvo.pth."
        )
    stem, features, context = (tensors[name].shape for name in names)
    return NetworkSizes(input_channels=stem[1], width=stem[0], feature_dim=features[0], hidden_dim=context[0])


def load_network(path: str | Path, *, encoders_only: bool = False) -> PatchNetwork:
    """The network of a weight file, in evaluation mode. With `encoders_only` the update operator may be absent and then has random weights.

    Raises TrainingError for a tensor that is missing, too many or of another shape.
    """
    tensors = read_tensors(path)
    network = PatchNetwork(infer_sizes(tensors))
    narrow(network, tensors)
    expected = network.state_dict()
    absent = [name for name in expected if name not in tensors]
    if encoders_only and not any(name.startswith("update.") for name in tensors):
        absent = [name for name in absent if not name.startswith("update.")]
    wrong = [name for name in tensors if name not in expected or tensors[name].shape != expected[name].shape]
    if absent or wrong:
        received = [f"no {name}" for name in absent[:3]] + [f"{name} {tuple(tensors[name].shape)}" for name in wrong[:3]]
        raise TrainingError(f"the weights {path} do not form a network", expected=f"{len(expected)} tensors", received=", ".join(received))
    network.load_state_dict(tensors, strict=False)
    return network.eval()
