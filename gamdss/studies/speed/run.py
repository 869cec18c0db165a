"""Measure data work, training, evaluation and the store; estimate how long a run takes."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tabulate import tabulate
from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.frames import ClipFrames, FrameFinder, decode
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.specs import get_spec
from gamdss.data.splits import make_folds
from gamdss.data.store import one_thread
from gamdss.models.two_branch import TwoBranchNet
from gamdss.studies.speed.original_way import OriginalWay
from gamdss.studies.speed.timing import Comparison, compare
from gamdss.studies.speed.work import count, measure_rates
from gamdss.synthetic import SynthConfig, write_dataset
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs
from gamdss.training.run_directory import environment


@dataclass(frozen=True)
class BenchConfig:
    """What to measure on.

    Args:
        repeats: pairs of timings behind each figure.
        subjects: folds of the run whose duration is estimated; 26 has CASME II in 5 classes.
        clips: clips of that run; 246 has CASME II in 5 classes.
        made: what the made clips are like that everything is measured on.
    """

    repeats: int
    subjects: int
    clips: int
    made: SynthConfig


def bench(config: Config, sizes: BenchConfig, cache: Path, progress: bool = True) -> dict[str, Any]:
    """Measure `config` on made clips; plain values, with `comparisons` and `estimate`."""
    config = device.resolve(config)
    target = device.set_up(config)
    root = cache / "synthetic" / f"bench-{sizes.made.height}x{sizes.made.width}"
    write_dataset(root, sizes.made, progress)
    config = replace(config, dataset=sizes.made.dataset, task="c5", data_root=str(root))
    dataset = open_dataset(config, cache, progress)
    finder = FrameFinder(get_spec(config.dataset), root)
    clips = [finder.find(clip) for clip in dataset.annotations.clips]
    steps = [_data, _training, _evaluation, _store]
    bench_of = _Bench(config, dataset, clips, target, sizes.repeats)
    bar = tqdm(steps, desc="measuring", unit="figure", disable=not progress)
    comparisons = [step(bench_of) for step in bar]
    return {
        "environment": environment(config, 1),
        "image_size": config.model.image_size,
        "batch_size": config.training.batch_size,
        "comparisons": [asdict(comparison) for comparison in comparisons],
        "roofline": _roofline(bench_of, comparisons[1].here),
        "estimate": _estimate(config, sizes, comparisons),
        "peak_memory_mb": _peak_memory(),
    }


class _Bench:
    """What the measurements share: a trainer here, and the original's way, on the same clips."""

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        clips: list[ClipFrames],
        target: torch.device,
        repeats: int,
    ) -> None:
        self.config, self.clips, self.repeats = config, clips, repeats
        labels = dataset.annotations.labels
        classes = dataset.annotations.classes
        fold = make_folds(config.protocol, dataset.labelled, config.seed)[0]
        self.data = fold_data(dataset, fold, load_inputs(dataset.store, target), config)
        self.trainer = FoldTrainer(config, self.data, Path(tempfile.gettempdir()))
        net = TwoBranchNet(len(classes), config.model.image_size).to(target)
        self.original = OriginalWay(
            clips, labels, net, config.model.image_size, config.augmentation
        )
        self.rng = np.random.default_rng(0)
        size = config.training.batch_size
        self.indices = [i % len(clips) for i in range(size)]
        self.samples = torch.tensor([i % len(self.data.training) for i in range(size)])


def _data(b: _Bench) -> Comparison:
    def here() -> None:
        b.data.batch(b.data.training[b.samples], b.config.augmentation)

    size = len(b.indices)
    original = (lambda: b.original.batch(b.indices, b.rng), size)
    return compare("data work", "sample and epoch", original, (here, size), b.repeats)


def _training(b: _Bench) -> Comparison:
    batch, size = b.original.batch(b.indices, b.rng), len(b.indices)
    b.trainer.net.train()
    original = (lambda: b.original.step(batch, b.indices), size)
    here = (lambda: b.trainer.step(b.samples), size)
    return compare("training step", "sample and step", original, here, b.repeats)


def _roofline(b: _Bench, taken: float) -> dict[str, float]:
    """The step's work per sample, the device's rates, and the share of them that it reaches."""
    b.trainer.net.train()
    work = count(lambda: b.trainer.step(b.samples), len(b.samples))
    fast = b.config.training.precision == "bf16"
    rates = measure_rates(b.data.frames.device, torch.bfloat16 if fast else torch.float32)
    return {
        "gflop": work.flop / 1e9,
        "gigabytes": work.bytes / 1e9,
        "matrix_gflop_per_second": rates.flop / 1e9,
        "copy_gigabytes_per_second": rates.bytes / 1e9,
        "least_seconds": rates.bound(work),
        "share_of_matrix_rate": work.flop / taken / rates.flop,
    }


def _evaluation(b: _Bench) -> Comparison:
    batch, size = b.original.batch(b.indices, b.rng), len(b.indices)
    original = (lambda: b.original.evaluate(batch), size)
    here = (b.trainer.held_out_logits, len(b.data.held_out))
    return compare("evaluation", "sample", original, here, b.repeats)


def _store(b: _Bench) -> Comparison:
    """The store against decoding the frames it needs once, with as many threads."""
    colour = get_spec(b.config.dataset).colour
    reader = KeyFrameReader(
        colour, b.config.model.image_size, b.config.frames, b.config.reselection
    )

    def only_decode(item: ClipFrames) -> None:
        for number in reader.needed(item):
            if number in item.files:
                decode(item.files[number], colour)

    workers = b.config.frames.workers or os.cpu_count()
    with ThreadPoolExecutor(workers, initializer=one_thread) as pool:
        decoding = (lambda: list(pool.map(only_decode, b.clips)), len(b.clips))
        reading = (lambda: list(pool.map(reader.read, b.clips)), len(b.clips))
        return compare("store, against decoding once", "clip", decoding, reading, b.repeats)


def _estimate(
    config: Config, sizes: BenchConfig, comparisons: list[Comparison]
) -> dict[str, float]:
    """Seconds of a whole run: the store once, then every fold and epoch."""
    data, step, evaluation, store = (c.here for c in comparisons)
    trained = sizes.clips * (sizes.subjects - 1)  # over all folds, each clip but the held-out
    once_through = trained * step + sizes.clips * evaluation
    run = config.training.epochs * once_through + sizes.clips * store
    before = [c.baseline for c in comparisons]
    slow = config.training.epochs * (
        trained * (before[0] + before[1]) + sizes.clips * (before[0] + before[2])
    )
    return {
        "clips": sizes.clips,
        "subjects": sizes.subjects,
        "epochs": config.training.epochs,
        "seconds": run,
        "seconds_original_way": slow,
        "seconds_of_data_work": config.training.epochs * trained * data,
    }


def _peak_memory() -> float:
    """Most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def bench_table(values: dict[str, Any]) -> str:
    """What `bench` measured, for the terminal."""
    rows = [
        [
            c["name"],
            c["unit"],
            f"{1000 * c['baseline']:.2f}",
            f"{1000 * c['here']:.2f}",
            f"{c['ratio']:.2f} ({c['low']:.2f} to {c['high']:.2f})",
        ]
        for c in values["comparisons"]
    ]
    headers = ["", "per", "baseline, ms", "here, ms", "ratio (range of pairs)"]
    about, estimate = values["environment"], values["estimate"]
    roof = values["roofline"]
    spans = [
        str(timedelta(seconds=round(estimate[key]))) for key in ("seconds", "seconds_original_way")
    ]
    return "\n\n".join(
        [
            f"{about['device']} {about['device_name'] or ''}, {about['threads']} thread(s), "
            f"{about['precision']}, {values['image_size']} pixels, batches of "
            f"{values['batch_size']}, PyTorch {about['packages']['torch']}",
            tabulate(rows, headers, tablefmt="simple", disable_numparse=True),
            f"A training step is {roof['gflop']:.1f} GFLOP and, operator by operator, "
            f"{roof['gigabytes']:.2f} GB of memory traffic a sample.\n"
            f"Here a matrix product reaches {roof['matrix_gflop_per_second']:.0f} GFLOP/s and a "
            f"copy {roof['copy_gigabytes_per_second']:.1f} GB/s: at least "
            f"{1000 * roof['least_seconds']:.2f} ms.\nThe step reaches "
            f"{roof['share_of_matrix_rate']:.0%} of the matrix rate.",
            f"A run of {estimate['subjects']} folds, {estimate['clips']} clips and "
            f"{estimate['epochs']} epochs takes about {spans[0]} here; the original's way "
            f"{spans[1]}.\nPeak memory {values['peak_memory_mb']:.0f} MB.",
        ]
    )
