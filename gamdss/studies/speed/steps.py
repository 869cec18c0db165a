"""The training step plain, captured and compiled, on a GPU: `python -m gamdss.studies.speed.steps`.

Frames are random. Each way runs in turn in one process, after what it compiles and captures.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from tabulate import tabulate
from torch import Tensor
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from gamdss.config import Config, ModelConfig, TrainingConfig
from gamdss.files import cache_folder
from gamdss.studies.speed.timing import seconds
from gamdss.training import device
from gamdss.training.fold_data import FoldData
from gamdss.training.learner import Learner
from gamdss.training.retention_choice import use_fastest

_CLASSES = 5
_TIMES, _REPEATS = 20, 5
# By name: `training.compile`, and the compiler (`eager` only captures).
WAYS: dict[str, tuple[Literal["on", "off"], str]] = {
    "plain": ("off", "inductor"),
    "plain, as one CUDA graph": ("on", "eager"),
    "compiled, as one CUDA graph": ("on", "inductor"),
}


@dataclass(frozen=True)
class StepTimes:
    """Seconds of a step, a smaller last batch and an evaluation, each (least, median, most).

    `prepared` are the seconds until the first step has run, `kernels` the GPU's milliseconds a step
    by name, with their number; empty on a CPU.
    """

    step: tuple[float, float, float]
    last_batch: tuple[float, float, float]
    evaluation: tuple[float, float, float]
    prepared: float
    kernels: dict[str, tuple[float, float]]


def measure(way: str, config: Config, cache: Path) -> StepTimes:
    """Measure a way of `WAYS`, with random frames on the device of `config`."""
    compiles, backend = WAYS[way]
    config = device.resolve(config)
    config = replace(config, training=replace(config.training, compile=compiles))
    target, batch = device.set_up(config), config.training.batch_size
    data = _random_clips(2 * batch, config.model.image_size, target)
    started = time.perf_counter()
    made = Learner(config, _CLASSES, target, seed=1, backend=backend)
    if target.type == "cuda":
        with tempfile.TemporaryDirectory() as folder:
            use_fastest(made.net, config, Path(folder) / "retention.json", cache)

    def step(size: int = batch) -> Tensor:
        made.net.train()
        return made.step(data, data.training[:size], data.training_labels[:size])

    seconds(step)
    return StepTimes(
        prepared=time.perf_counter() - started,
        step=_several(step),
        last_batch=_several(lambda: step(batch // 2 + 1)),
        evaluation=_several(lambda: made.logits(data, data.held_out[:batch])),
        kernels=_kernels(step) if target.type == "cuda" else {},
    )


def _random_clips(count: int, size: int, target: torch.device) -> FoldData:
    frames = torch.randint(0, 256, (3 * count, 3, size, size), dtype=torch.uint8)
    index = torch.arange(3 * count).view(count, 3).to(target)
    labels = (torch.arange(count) % _CLASSES).to(target)
    classes, clips = tuple("abcde"), tuple(map(str, range(count)))
    return FoldData("random", classes, frames.to(target), index, labels, index, labels, clips)


def _several(work: Callable[[], object]) -> tuple[float, float, float]:
    """Least, median and most seconds of `work`, each of many times in a row."""
    for _ in range(2 * _REPEATS):  # more than a capture takes
        work()
    taken = [seconds(lambda: [work() for _ in range(_TIMES)]) / _TIMES for _ in range(_REPEATS)]
    return min(taken), statistics.median(taken), max(taken)


def _kernels(step: Callable[[], object]) -> dict[str, tuple[float, float]]:
    steps = 3
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
    events = [event for event in found.events() if event.device_type == DeviceType.CUDA]
    spent: Counter[str] = Counter()
    for event in events:
        spent[event.name] += event.time_range.elapsed_us()
    number = Counter(event.name for event in events)
    return {
        name: (spent[name] / steps / 1000, number[name] / steps) for name, _ in spent.most_common()
    }


def report(found: dict[str, StepTimes], shown: int) -> str:
    """Tables of the ways, and of the last one's kernels."""
    rows = [
        [way, *map(_text, (t.step, t.last_batch, t.evaluation)), f"{t.prepared:.0f}"]
        for way, t in found.items()
    ]
    header = ["", "step, ms", "last batch, ms", "evaluation, ms", "prepared, s"]
    tables = [tabulate(rows, header, tablefmt="simple", disable_numparse=True)]
    way, last = list(found.items())[-1]
    if last.kernels:
        total = [sum(column) for column in zip(*last.kernels.values(), strict=True)]
        tables.append(f"{way}: {total[1]:.0f} kernels a step, {total[0]:.2f} ms. The longest:")
        lines = [
            [f"{spent:.3f}", f"{number:.0f}", name[:100]]
            for name, (spent, number) in list(last.kernels.items())[:shown]
        ]
        tables.append(tabulate(lines, ["ms", "times", "kernel"], tablefmt="simple"))
    return "\n\n".join(tables)


def _text(spread: tuple[float, float, float]) -> str:
    least, middle, most = (1000 * value for value in spread)
    return f"{middle:.2f} ({least:.2f} to {most:.2f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--ways", default=",".join(map(str, range(len(WAYS)))), help="0,1,2")
    parser.add_argument("--kernels", type=int, default=30, help="how many to show")
    options = parser.parse_args()
    config = Config(
        device=options.device,
        model=ModelConfig(image_size=options.image_size),
        training=TrainingConfig(batch_size=options.batch_size),
    )
    chosen = [list(WAYS)[int(number)] for number in options.ways.split(",")]
    found = {way: measure(way, config, cache_folder(None)) for way in chosen}
    print(report(found, options.kernels))


if __name__ == "__main__":
    main()
