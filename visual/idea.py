"""The picture in the README: one synthetic clip, its key frames, and what the network sees.

python visual/idea.py            # writes visual/idea.png
"""

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import gamdss
from gamdss.data.truth import GROUND_TRUTH, read_truth
from gamdss.records import KEYS, KeyFrames
from gamdss.report.style import BLUE, FAINT, INK, VERMILLION, bare, house_style, save
from gamdss.reselection.motion.fit import fit_motion
from gamdss.synthetic import SynthConfig, write_dataset

PICTURE = Path(__file__).with_name("idea.png")
# An annotator who labels the apex early and the offset late.
CLIP = SynthConfig(
    subjects=1, clips_per_subject=1, emotions=["happiness"], fps=200, margin_ms=120, seed=5,
    noise=1.0, drift=0.3, blink=0.0, onset_bias=0.2, apex_bias=-0.25, offset_bias=0.25,
    onset_jitter=0.0, apex_jitter=0.0, offset_jitter=0.0,
)  # fmt: skip


def synthetic_clip(folder: Path) -> tuple[gamdss.FrameSequence, KeyFrames, KeyFrames]:
    """Frames of a clip, its true key frames, and those of the annotator."""
    root = write_dataset(folder / "clip", CLIP, progress=False)
    (true,) = (read_truth(root / GROUND_TRUTH) or {}).values()
    config = gamdss.Config(data_root=str(root), cache=str(folder / "cache"))
    with gamdss.Experiment(config, progress=False) as experiment:
        (clip,) = experiment.open_dataset().annotations.clips
    (frames,) = {path.parent for path in root.rglob("*.jpg")}
    return gamdss.FrameSequence(frames), true, clip.annotated


def draw_level(
    axes: Axes, frames: gamdss.FrameSequence, true: KeyFrames, said: KeyFrames
) -> KeyFrames:
    """Motion of the clip over time with key frames; returns the reselected ones."""
    fit = fit_motion({number: frames[number] for number in frames}, said)
    axes.plot(fit.times, fit.course, color=FAINT, linewidth=5, alpha=0.4)
    design = np.stack([fit.course, np.ones_like(fit.course)], axis=1)
    height, base = np.linalg.lstsq(design, fit.level, rcond=None)[0]
    axes.plot(fit.times, (fit.level - base) / height, color=INK, linewidth=0.8, marker=".")
    for name, before, after in zip(KEYS, said.numbers, fit.keys.numbers, strict=True):
        axes.axvline(before, color=BLUE, linestyle="--", linewidth=1.6)
        axes.axvline(after, color=VERMILLION, linewidth=2)
        axes.annotate(
            name, (after, 1.12), ha="center", size=10, color=VERMILLION, annotation_clip=False
        )
    axes.plot(true.numbers, [-0.12] * 3, "^", color=INK, markersize=9, clip_on=False)
    axes.set(ylim=(-0.12, 1.1), yticks=[0, 1], xlabel="frame")
    axes.set_yticklabels(["rest", "peak"])
    axes.set_title("1  Reselect: the clip's motion corrects the labels", weight="bold", pad=22)
    words = (("annotated", BLUE), ("reselected", VERMILLION), ("▲ true", INK))
    for place, (word, colour) in enumerate(words):
        axes.text(0.02, 0.9 - 0.12 * place, word, color=colour, transform=axes.transAxes)
    return fit.keys


def draw_phases(figure: Figure, frames: gamdss.FrameSequence, keys: KeyFrames) -> None:
    """Key frames, and the differences of both phases."""
    onset, apex, offset = (frames[number].astype(float) / 255 for number in keys.numbers)
    rows = (
        ("rising phase", (onset, "onset"), (apex - onset, "apex − onset")),
        ("falling phase", (apex, "apex"), (apex - offset, "apex − offset")),
    )
    for row, (name, (face, what), (change, difference)) in enumerate(rows):
        for column, (image, caption) in enumerate(((face, what), (change, difference))):
            axes = figure.add_axes((0.53 + 0.105 * column, 0.5 - 0.43 * row, 0.1, 0.38))
            bare(axes)
            if column:
                grey = image.mean(axis=2)
                axes.imshow(grey, cmap="RdBu_r", vmin=-0.15, vmax=0.15)
            else:
                axes.imshow(image[..., ::-1])
            axes.set_xlabel(caption, size=9)
            if not column:
                axes.set_ylabel(name, size=10, weight="bold")


def draw_network(figure: Figure) -> None:
    """Both phases go through one network; each has its own loss."""
    axes = figure.add_axes((0.75, 0.07, 0.24, 0.81))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK}
    words = "one network,\nshared weights\n\nViT: key frame\nRMT: difference"
    axes.text(0.36, 0.5, words, ha="center", va="center", bbox=box, size=10)
    for height, loss in ((0.8, "class  →  loss"), (0.2, "auxiliary loss")):
        arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.2}
        axes.annotate("", (0.12, 0.5 + (height - 0.5) * 0.45), (0, height), arrowprops=arrow)
        axes.annotate("", (0.66, height), (0.58, 0.5 + (height - 0.5) * 0.45), arrowprops=arrow)
        axes.text(0.67, height, loss, va="center", size=10)


@house_style()
def main() -> None:
    """Draw the picture."""
    with tempfile.TemporaryDirectory() as folder:
        frames, true, said = synthetic_clip(Path(folder))
        figure = Figure(figsize=(13, 3.9))
        keys = draw_level(figure.add_axes((0.05, 0.15, 0.42, 0.66)), frames, true, said)
        draw_phases(figure, frames, keys)
    draw_network(figure)
    figure.text(0.53, 0.94, "2  Two phases", weight="bold", size=11)
    figure.text(0.75, 0.94, "3  One network", weight="bold", size=11)
    save(figure, PICTURE)


if __name__ == "__main__":
    main()
