"""Convolutions of a network on a GPU: how their weights lie, and which kernels they use."""

from __future__ import annotations

import logging

import torch
from torch import nn
from torch.utils._triton import has_triton

from gamdss.errors import first_line
from gamdss.models.depthwise import DWConv

log = logging.getLogger(__name__)


def suit_cuda(net: nn.Module, precision: str) -> None:
    """Prepare the convolutions for CUDA and a resolved precision, in place.

    Their weights are stored channels last, since cuDNN would otherwise reorder them in each step.
    Depthwise ones use kernels of this package, where these can be compiled.
    """
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    layers = [module for module in net.modules() if isinstance(module, DWConv)]
    if layers and has_triton() and _kernels_work(layers[0].weight.device, precision):
        for layer in layers:
            layer.use_kernels()


def _kernels_work(device: torch.device, precision: str) -> bool:
    """Whether kernels for depthwise convolutions can be compiled, forward and backward.

    Draws no random numbers, from which a fold's weights follow.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            trial = DWConv(8).to(device)
        trial.use_kernels()
        trial(torch.zeros(1, 4, 4, 8, device=device, dtype=dtype)).sum().backward()
    except ImportError:  # PyTorch is older than they need
        return False
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # the compiler raises errors of many kinds
        text = "a kernel for depthwise convolutions cannot be compiled, and runs as it is: %s"
        log.warning(text, first_line(error))
        return False
    return True
