"""Settings of a synthetic dataset: its size, motion, disturbances and annotator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gamdss.data.specs import DatasetSpec, Layout, get_spec, spec_names
from gamdss.data.specs.plain import PLAIN
from gamdss.errors import ConfigError, is_between, require

# To be increased when the same settings give other clips, so that those in a cache are not used.
GENERATOR = 1
Range = tuple[float, float]
# Families of time courses; `mixed` draws one of the others per clip.
COURSES = ("cosine", "power", "tail", "plateau", "asymmetric", "mixed")
# Kinds of faults that can be planted, named as `gamdss check` names them.
FAULTS = (
    "missing apex",
    "apex outside the clip",
    "onset after offset",
    "duplicate row",
    "unknown emotion",
    "emotion spelled otherwise",
    "notes above the header",
    "missing clip folder",
    "missing key frame",
    "missing frames",
    "truncated frame",
    "unreadable frame",
    "file named otherwise",
    "folder named otherwise",
)
# Allowed minimum and maximum of each number.
_BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("subjects", "clips_per_subject"), (1, 9999)),
    **dict.fromkeys(("height", "width"), (32, 4096)),
    "fps": (1, 10000),
    **dict.fromkeys(("margin_ms", "noise", "flicker", "illumination", "drift"), (0, math.inf)),
    "blink": (0, 1),
    "jpeg_quality": (1, 100),
    **dict.fromkeys(("onset_bias", "apex_bias", "offset_bias", "late_group"), (-1, 1)),
    **dict.fromkeys(("onset_jitter", "apex_jitter", "offset_jitter"), (0, 1)),
    **dict.fromkeys(("seed", "workers"), (0, math.inf)),
}


@dataclass
class SynthConfig:
    """A synthetic dataset. Lengths are pixels of the written frames, times milliseconds.

    Args:
        dataset: name or file of the spec in whose native layout it is written.
        layout: which of the spec's frame layouts is written; the first by default.
        faults: kinds of faults to plant, or `all`; `faults.csv` records them.
        subjects: number of synthetic people.
        clips_per_subject: clips of each, with emotions as balanced as the number allows.
        emotions: emotions that occur; by default those of the spec's first task.
        height: height of a frame; a cropped CASME II frame has 340.
        width: width of a frame; a cropped CASME II frame has 280.
        fps: frames per second; by default the spec's, or 100 if it has none.
        rise_ms: minimum and maximum duration of the rising phase.
        plateau_ms: minimum and maximum time at full strength, with the apex in the middle.
        fall_ms: minimum and maximum duration of the falling phase.
        course: families of time courses, one drawn per clip: cosine, power, tail, plateau,
            asymmetric, or mixed for all of them.
        between_frames: whether expressions start, peak and end between frames (up to half a frame
            from the key frames), as in a real recording, or exactly on them.
        margin_ms: neutral frames before the onset and after the offset.
        amplitude: minimum and maximum displacement at the apex, where the face moves most.
        noise: standard deviation of the sensor noise in grey levels.
        flicker: standard deviation of the brightness from frame to frame in percent.
        illumination: slow change of the light over a clip in percent, uneven over the face.
        drift: standard deviation of the head's slow drift in pixels.
        blink: probability that a clip contains a blink.
        jpeg_quality: 1 to 100.
        onset_bias: mean error of the annotated onset relative to the rising phase; above 0 is late.
        onset_jitter: standard deviation of that error.
        apex_bias: mean error of the annotated apex relative to the rising phase.
        apex_jitter: standard deviation of that error.
        offset_bias: mean error of the annotated offset relative to the falling phase.
        offset_jitter: standard deviation of that error.
        late_group: what the annotator of every second subject adds to `offset_bias`; `groups.csv`
            assigns the subjects to group A or B (the late one).
        seed: the same seed gives the same files.
        workers: threads that draw clips; 0 starts one per processor.
    """

    dataset: str = "cas2"
    layout: str | None = None
    faults: list[str] = field(default_factory=list)
    subjects: int = 5
    clips_per_subject: int = 10
    emotions: list[str] | None = None
    height: int = 340
    width: int = 280
    fps: float | None = None
    rise_ms: Range = (100.0, 200.0)
    plateau_ms: Range = (0.0, 25.0)
    fall_ms: Range = (120.0, 250.0)
    course: list[str] = field(default_factory=lambda: ["cosine"])
    between_frames: bool = False
    margin_ms: float = 50.0
    amplitude: Range = (1.5, 2.5)
    noise: float = 2.0
    flicker: float = 1.0
    illumination: float = 2.0
    drift: float = 0.6
    blink: float = 0.1
    jpeg_quality: int = 92
    onset_bias: float = 0.0
    onset_jitter: float = 0.09
    apex_bias: float = 0.0
    apex_jitter: float = 0.12
    offset_bias: float = 0.0
    offset_jitter: float = 0.15
    late_group: float = 0.0
    seed: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        if self.dataset == PLAIN:
            raise ConfigError(
                "synthetic clips are in the layout of a dataset, and a plain table has none",
                remedy=f"Use one of: {', '.join(spec_names())}; or the path of a spec (a .yaml "
                "file).",
            )
        spec = get_spec(self.dataset)
        self.layout_of(spec)
        if self.faults == ["all"]:
            self.faults = list(FAULTS)
        allowed = f"[all] or a list of these: {', '.join(FAULTS)}"
        require(set(self.faults) <= set(FAULTS), "faults", self.faults, allowed)
        self._require_names("course", COURSES)
        if self.emotions is not None:
            self._require_names("emotions", tuple(spec.emotions))
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            allowed = f"between {low} and {high}" if math.isfinite(high) else f"{low} or more"
            fits = value is None or (is_between(value, low, high) and math.isfinite(value))
            require(fits, name, value, allowed)
        for name in ("rise_ms", "plateau_ms", "fall_ms", "amplitude"):
            ends = tuple(float(end) for end in getattr(self, name))
            allowed = "the minimum and the maximum, [low, high], 0 or more"
            fits = len(ends) == 2 and 0 <= ends[0] <= ends[1] < math.inf
            require(fits, name, list(ends), allowed)
            setattr(self, name, ends)

    def layout_of(self, spec: DatasetSpec) -> Layout:
        """The frame layout to write.

        Raises:
            ConfigError: `spec` has no layout of that name.
        """
        return spec.layout(self.layout or next(iter(spec.layouts)))

    def _require_names(self, option: str, known: tuple[str, ...]) -> None:
        names = getattr(self, option)
        allowed = f"a list of these: {', '.join(known)}"
        require(bool(names) and set(names) <= set(known), option, names, allowed)
