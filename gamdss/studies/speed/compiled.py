"""What a compiled training step moves, without a GPU: `python -m gamdss.studies.speed.compiled`.

The step is traced and fused as for training, and not run. Fused kernels and library calls (products
and convolutions) are counted with the bytes that each reads and writes; from them and from the
data sheets of GPUs follows the least time of a step. Nothing of it is measured.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import torch
from tabulate import tabulate
from torch import Tensor
from torch._inductor.debug import DebugContext
from torch._inductor.fx_passes.post_grad import post_grad_passes
from torch._inductor.graph import GraphLowering
from torch._inductor.scheduler import ExternKernelSchedulerNode, NopKernelSchedulerNode
from torch._inductor.virtualized import V
from torch._subclasses import FakeTensor

try:
    from torch._inductor.compile_fx import compile_fx, record_original_output_strides
except ImportError as error:
    raise ImportError("this takes a newer PyTorch, such as 2.15") from error

from gamdss.losses import two_phase_loss
from gamdss.models.two_branch import TwoBranchNet

# Data sheets: bytes/s of memory, and FLOP/s of dense bfloat16 products. Large products reach less.
GPUS = {"H100 SXM": (3.35e12, 989e12), "H200 SXM": (4.8e12, 989e12)}
_IMAGE_SIZE = 224
_GFLOP_PER_SAMPLE = 80.8  # of a training step at that size, as `gamdss bench` counts them
_ADAMW = 7 * 4  # bytes per parameter: weight, gradient and two moments read, three written


@dataclass
class Kernels:
    """Fused kernels, library calls, and gigabytes that they read and write."""

    fused: int = 0
    library: int = 0
    gigabytes: float = 0.0


def compiled_step(image_size: int, batch_size: int) -> Kernels:
    """Forward, loss and backward of a step in bfloat16, both phases at once as on CUDA."""
    found = Kernels()
    net = TwoBranchNet(5, image_size, one_pass=True)
    frames = torch.empty(3, batch_size, 3, image_size, image_size)
    labels = torch.zeros(batch_size, dtype=torch.long)

    def loss(onset: Tensor, apex: Tensor, offset: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            rising, falling = net(onset, apex, offset)
        return two_phase_loss(rising, falling, labels)

    def backend(graph: Any, inputs: Any) -> Any:
        return compile_fx(graph, inputs, inner_compile=lambda *a, **_: _counted(found, *a))

    torch.compile(loss, fullgraph=True, dynamic=False, backend=backend)(*frames).backward()
    parameters = sum(values.numel() for values in net.parameters())
    found.gigabytes += parameters * _ADAMW / 1e9
    return found


def _counted(found: Kernels, module: Any, inputs: Any) -> Any:
    """Add the kernels of a traced graph; the result stands in for it, and computes nothing."""
    fake = next(value.fake_mode for value in inputs if isinstance(value, FakeTensor))
    with V.set_fake_mode(fake):
        record_original_output_strides(module)
        post_grad_passes(module, is_inference=False)
    graph = GraphLowering(module, example_inputs=inputs)
    with DebugContext(), V.set_fake_mode(fake), V.set_graph_handler(graph), torch.no_grad():
        graph.run(*inputs)
        graph.init_wrapper_code()
        graph._update_scheduler()
        for node in graph.scheduler.nodes:
            if not isinstance(node, NopKernelSchedulerNode):
                library = isinstance(node, ExternKernelSchedulerNode)
                found.library += library
                found.fused += not library
                found.gigabytes += node.get_read_write_buffers_sizes() / 1e9
    output = next(node for node in module.graph.nodes if node.op == "output")

    def stand_in(arguments: list[Any]) -> list[Any]:
        arguments.clear()
        return [_empty(value) for value in output.args[0]]

    stand_in._boxed_call = True  # type: ignore[attr-defined]
    return stand_in


def _empty(node: Any) -> Any:
    value = node.meta["val"] if isinstance(node, torch.fx.Node) else node
    if not isinstance(value, Tensor):
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)


def roofline(found: Kernels, batch_size: int, steps: int) -> str:
    """A table of the least time of a step and of a run, for each GPU."""
    flop = _GFLOP_PER_SAMPLE * 1e9 * batch_size
    rows = []
    for name, (memory, matrix) in GPUS.items():
        traffic, products = found.gigabytes * 1e9 / memory, flop / matrix
        least = max(traffic, products)
        times = (f"{1000 * seconds:.2f}" for seconds in (traffic, products, least))
        rows.append([name, *times, f"{steps * least / 60:.1f}"])
    header = ("computed", "memory, ms", "products, ms", "step at least, ms", "run at least, min")
    return tabulate(rows, header, tablefmt="simple", disable_numparse=True)


def main() -> None:
    """Print the kernels of a step and the times that follow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=77610, help="of the run")
    options = parser.parse_args()
    found = compiled_step(_IMAGE_SIZE, options.batch_size)
    print(
        f"{found.fused} fused kernels and {found.library} library calls move "
        f"{found.gigabytes:.1f} GB in a step of {options.batch_size} samples.\n\n"
        + roofline(found, options.batch_size, options.steps)
    )


if __name__ == "__main__":
    main()
