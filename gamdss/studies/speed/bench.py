"""Data work, training, evaluation and the store against the original's way; duration of a run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tabulate import tabulate
from tqdm import tqdm

from gamdss.config import Config, FramesConfig, ProtocolConfig
from gamdss.data.augment import uniform
from gamdss.data.clip_pool import clip_pool
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.decoding import decode
from gamdss.data.frames import ClipFrames, FrameFinder
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.specs import get_spec
from gamdss.data.splits import make_folds
from gamdss.models.two_branch import TwoBranchNet
from gamdss.studies.speed.original_way import OriginalWay
from gamdss.studies.speed.timing import SpeedComparison, compare, count, measure_rates
from gamdss.synthetic import SynthConfig, write_dataset
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs
from gamdss.training.retention_choice import use_fastest
from gamdss.training.run_directory import environment


@dataclass(frozen=True)
class BenchConfig:
    """What to measure on.

    Args:
        repeats: pairs of timings behind each figure.
        subjects: folds of the run whose duration is estimated; CASME II with 5 classes has 26.
        clips: clips of that run; CASME II with 5 classes has 246.
        synthetic: the clips that everything is measured on.
    """

    repeats: int
    subjects: int
    clips: int
    synthetic: SynthConfig


@dataclass(frozen=True)
class Roofline:
    """A training step's work per sample, the device's rates, and the shares that it reaches.

    `kernels` are operators of a plain step. `bound` names the largest of the times that arithmetic,
    memory traffic and launches take at least: compute, bandwidth or launches.
    """

    gflop: float
    gigabytes: float
    kernels: int
    captured: bool
    matrix_gflop_per_second: float
    copy_gigabytes_per_second: float
    launch_microseconds: float
    least_seconds: float
    share_of_matrix_rate: float
    share_of_bandwidth: float
    bound: str


@dataclass(frozen=True)
class RunEstimate:
    """Duration of a run of so many clips, subjects (folds) and epochs, in seconds."""

    clips: int
    subjects: int
    epochs: int
    seconds: float
    seconds_original_way: float
    seconds_of_data_work: float


@dataclass(frozen=True)
class BenchResult:
    """Everything measured: `asdict` gives the plain values of `--json`."""

    environment: dict[str, Any]
    image_size: int
    batch_size: int
    comparisons: tuple[SpeedComparison, ...]
    roofline: Roofline
    estimate: RunEstimate
    peak_memory_mb: float


def bench(config: Config, sizes: BenchConfig, cache: Path, progress: bool = True) -> BenchResult:
    """Measure `config` on synthetic clips, leaving one subject out whatever its protocol."""
    config = device.resolve(config)
    target = device.set_up(config)
    root = cache / "synthetic" / f"bench-{sizes.synthetic.height}x{sizes.synthetic.width}"
    write_dataset(root, sizes.synthetic, progress)
    config = _on_synthetic_clips(config, sizes.synthetic.dataset, root)
    dataset = open_dataset(config, cache, progress)
    finder = FrameFinder(get_spec(config.dataset), root)
    clips = [finder.find(clip) for clip in dataset.annotations.clips]
    steps = [_data, _training, _evaluation, _store]
    bench_of = _Bench(config, dataset, clips, target, sizes.repeats, cache)
    bar = tqdm(steps, desc="measuring", unit="figure", disable=not progress)
    comparisons = tuple(step(bench_of) for step in bar)
    peak = _peak_memory()  # before that of the roofline
    return BenchResult(
        environment=environment(config, 1),
        image_size=config.model.image_size,
        batch_size=config.training.batch_size,
        comparisons=comparisons,
        roofline=_roofline(bench_of, comparisons[1].here),
        estimate=estimate(config.training.epochs, sizes, comparisons),
        peak_memory_mb=peak,
    )


def _on_synthetic_clips(config: Config, dataset: str, root: Path) -> Config:
    """The config without what describes the files of another dataset, and who is held out."""
    return replace(
        config,
        dataset=dataset,
        task="c5",
        data_root=str(root),
        annotations=None,
        clip_list=None,
        init_from=None,
        protocol=ProtocolConfig(),
        training=replace(config.training, selection="final"),
        frames=FramesConfig(),
        reselection=replace(config.reselection, annotators=None),
    )


class _Bench:
    """Shared by the measurements: this project's trainer and the original's, on the same clips."""

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        clips: list[ClipFrames],
        target: torch.device,
        repeats: int,
        cache: Path,
    ) -> None:
        self.config, self.clips, self.repeats = config, clips, repeats
        labels = dataset.annotations.labels
        classes = dataset.annotations.classes
        fold = make_folds(config.protocol, dataset.labelled, config.seed)[0]
        self.data = fold_data(dataset, fold, load_inputs(dataset.store, target), config)
        self.trainer = FoldTrainer(config, self.data, Path(tempfile.gettempdir()))
        if target.type == "cuda":
            with tempfile.TemporaryDirectory() as folder:
                use_fastest(self.trainer.net, config, Path(folder) / "retention.json", cache)
        net = TwoBranchNet(len(classes), config.model.image_size, one_pass=False).to(target)
        self.original = OriginalWay(
            clips, labels, net, config.model.image_size, config.augmentation
        )
        self.rng = np.random.default_rng(0)
        size = config.training.batch_size
        self.indices = [i % len(clips) for i in range(size)]
        self.samples = torch.tensor([i % len(self.data.training) for i in range(size)])


def _data(b: _Bench) -> SpeedComparison:
    def here() -> None:
        index = b.data.training[b.samples]
        b.trainer.learner.batch(b.data, index, uniform(len(index), b.data.frames.device))

    size = len(b.indices)
    original = (lambda: b.original.batch(b.indices, b.rng), size)
    return compare("data work", "sample and epoch", original, (here, size), b.repeats)


def _training(b: _Bench) -> SpeedComparison:
    batch, size = b.original.batch(b.indices, b.rng), len(b.indices)
    b.trainer.net.train()
    original = (lambda: b.original.step(batch, b.indices), size)
    here = (lambda: b.trainer.learner.step(*b.trainer.inputs(b.samples)), size)
    return compare("training step", "sample and step", original, here, b.repeats)


def _roofline(b: _Bench, taken: float) -> Roofline:
    plain = replace(b.config, training=replace(b.config.training, compile="off"))
    trainer = FoldTrainer(plain, b.data, Path(tempfile.gettempdir()))
    trainer.net.train()
    work = count(lambda: trainer.learner.step(*trainer.inputs(b.samples)), len(b.samples))
    fast = b.config.training.precision == "bf16"
    rates = measure_rates(b.data.frames.device, torch.bfloat16 if fast else torch.float32)
    captured = b.trainer.learner.is_captured
    least = rates.least(replace(work, operators=0) if captured else work)
    bound = max(least, key=least.__getitem__)
    return Roofline(
        gflop=work.flop / 1e9,
        gigabytes=work.bytes / 1e9,
        kernels=round(work.operators * len(b.samples)),
        captured=captured,
        matrix_gflop_per_second=rates.flop / 1e9,
        copy_gigabytes_per_second=rates.bytes / 1e9,
        launch_microseconds=rates.launch * 1e6,
        least_seconds=least[bound],
        share_of_matrix_rate=least["compute"] / taken,
        share_of_bandwidth=least["bandwidth"] / taken,
        bound=bound,
    )


def _evaluation(b: _Bench) -> SpeedComparison:
    batch, size = b.original.batch(b.indices, b.rng), len(b.indices)
    original = (lambda: b.original.evaluate(batch), size)
    here = (b.trainer.held_out_logits, len(b.data.held_out))
    return compare("evaluation", "sample", original, here, b.repeats)


def _store(b: _Bench) -> SpeedComparison:
    """The store against decoding the frames it needs once, both in this process."""
    colour = get_spec(b.config.dataset).colour
    reader = KeyFrameReader(
        colour, b.config.model.image_size, b.config.frames, b.config.reselection
    )

    def only_decode(item: ClipFrames) -> None:
        for number in reader.needed(item):
            if number in item.files:
                decode(item.files[number], colour)

    with clip_pool(1, len(b.clips)) as pool:
        decoding = (lambda: list(pool.map(only_decode, b.clips)), len(b.clips))
        reading = (lambda: list(pool.map(reader.read, b.clips)), len(b.clips))
        return compare("store, against decoding once", "clip", decoding, reading, b.repeats)


def estimate(
    epochs: int, sizes: BenchConfig, comparisons: Sequence[SpeedComparison]
) -> RunEstimate:
    """Duration of a whole run: the store once, then every fold and epoch.

    Args:
        epochs: of every fold.
        sizes: clips and subjects of the run.
        comparisons: of data work, training step, evaluation and store.
    """
    data, step, evaluation, store = (c.here for c in comparisons)
    trained = sizes.clips * (sizes.subjects - 1)  # over all folds, each clip but the held-out
    once_through = trained * step + sizes.clips * evaluation
    before = [c.baseline for c in comparisons]
    slow = trained * (before[0] + before[1]) + sizes.clips * (before[0] + before[2])
    return RunEstimate(
        clips=sizes.clips,
        subjects=sizes.subjects,
        epochs=epochs,
        seconds=epochs * once_through + sizes.clips * store,
        seconds_original_way=epochs * slow,
        seconds_of_data_work=epochs * trained * data,
    )


def _peak_memory() -> float:
    """Peak memory of this process, on CUDA of PyTorch there, its graphs included, in MB."""
    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_reserved() / 1e6
    import resource  # noqa: PLC0415  (not on Windows)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def bench_table(found: BenchResult) -> str:
    """The result of `bench` for the terminal."""
    rows = [
        [
            *(c.name, c.unit, f"{1000 * c.baseline:.2f}", f"{1000 * c.here:.2f}"),
            f"{c.ratio:.2f} ({c.low:.2f} to {c.high:.2f})",
        ]
        for c in found.comparisons
    ]
    headers = ["", "per", "baseline, ms", "here, ms", "ratio (range of pairs)"]
    about, run, roof = found.environment, found.estimate, found.roofline
    here, original = (
        timedelta(seconds=round(seconds)) for seconds in (run.seconds, run.seconds_original_way)
    )
    return "\n\n".join(
        [
            f"{about['device']} {about['device_name'] or ''}, {about['threads']} thread(s), "
            f"{about['precision']}, {found.image_size} pixels, batches of "
            f"{found.batch_size}, PyTorch {about['packages']['torch']}",
            tabulate(rows, headers, tablefmt="simple", disable_numparse=True),
            f"A plain training step is {roof.gflop:.1f} GFLOP and, operator by operator, "
            f"{roof.gigabytes:.2f} GB of memory traffic per sample, in {roof.kernels} kernels.\n"
            f"Here a matrix product reaches {roof.matrix_gflop_per_second:.0f} GFLOP/s, a "
            f"copy {roof.copy_gigabytes_per_second:.1f} GB/s, and a launch takes "
            f"{roof.launch_microseconds:.1f} microseconds,\nso that this work takes at least "
            f"{1000 * roof.least_seconds:.2f} ms per sample, bound by {roof.bound}. By this work, "
            f"the step reaches {roof.share_of_matrix_rate:.0%} of the matrix rate and "
            f"{roof.share_of_bandwidth:.0%} of the bandwidth.\nA compiled step, and one whose "
            "data fit into caches, moves less, so that its share can exceed 100%.",
            f"A run of {run.subjects} folds, {run.clips} clips and {run.epochs} epochs takes about "
            f"{here} here; the release's way {original}.\n"
            f"Peak memory {found.peak_memory_mb:.0f} MB.",
        ]
    )
