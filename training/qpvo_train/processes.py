# SPDX-License-Identifier: MIT
"""One process or several (torchrun): rank, device, gradients averaged over all."""

import os
import sys
from dataclasses import dataclass
from typing import NoReturn

import torch
import torch.distributed as dist
from torch import nn

from .errors import TrainingError


@dataclass(frozen=True)
class Processes:
    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def average_gradients(self, network: nn.Module) -> None:
        """Replaces each gradient by its mean over the processes; one without a gradient counts as zero."""
        if self.count == 1:
            return
        parameters = [p for p in network.parameters() if p.requires_grad]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([g.flatten() for g in grads])
        dist.all_reduce(flat)
        flat /= self.count
        for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters])):
            parameter.grad = part.view_as(parameter).to(parameter.dtype)

    def gather(self, value: object) -> list:
        """The values of all processes, in order."""
        if self.count == 1:
            return [value]
        values = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def close(self) -> None:
        if self.count > 1:
            dist.destroy_process_group()


def join_processes(device: str | None = None) -> Processes:
    """Joins the group that torchrun describes in the environment, or stands alone. device: cpu, cuda, or None for the best there is."""
    count, rank, local = (int(os.environ.get(key, default)) for key, default in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0)))
    cuda = device == "cuda" or (device is None and torch.cuda.is_available())
    chosen = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda and not torch.cuda.is_available():
        raise TrainingError("no CUDA device", expected="a GPU that PyTorch can use", received="none", advice="Give --device cpu.")
    if cuda:
        torch.cuda.set_device(chosen)
    if count > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return Processes(rank, count, chosen)


def leave(code: int) -> NoReturn:
    """Ends this process. One of several ends at once: the interpreter's own end aborts now and then (SIGABRT after all work is done), because a thread of gloo
    may still drop a tensor, which takes the interpreter's lock (pytorch/pytorch#179291)."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
