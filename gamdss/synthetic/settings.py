"""Settings of a synthetic dataset: its size, motion, disturbances and annotator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gamdss.data.specs import DatasetSpec, Layout, get_spec
from gamdss.errors import ConfigError

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
        spec = get_spec(self.dataset)
        if self.layout is not None:
            spec.layout(self.layout)
        self._check_faults()
        self._check_course()
        for name in ("subjects", "clips_per_subject"):
            self._within(name, 1, 9999)
        for name in ("height", "width"):
            self._within(name, 32, 4096)
        for name in ("rise_ms", "fall_ms", "plateau_ms", "amplitude"):
            self._range(name)
        for name in ("margin_ms", "noise", "flicker", "illumination", "drift", "seed", "workers"):
            self._within(name, 0, math.inf)
        self._within("blink", 0, 1)
        self._within("jpeg_quality", 1, 100)
        for name in ("onset", "apex", "offset"):
            self._within(f"{name}_bias", -1, 1)
            self._within(f"{name}_jitter", 0, 1)
        self._within("late_group", -1, 1)
        if self.fps is not None:
            self._within("fps", 1, 10000)
        unknown = [name for name in self.emotions or () if name not in spec.emotions]
        if unknown or self.emotions == []:
            raise ConfigError(
                f"--emotions is {self.emotions!r}",
                remedy=f"The emotions of {spec.title} are {', '.join(spec.emotions)}.",
            )

    def layout_of(self, spec: DatasetSpec) -> Layout:
        """The frame layout to write."""
        return spec.layout(self.layout or next(iter(spec.layouts)))

    def _check_faults(self) -> None:
        if self.faults == ["all"]:
            self.faults = list(FAULTS)
        unknown = [name for name in self.faults if name not in FAULTS]
        if unknown:
            raise ConfigError(
                f"--faults is {self.faults!r}",
                remedy=f"It must be [all] or a list of these: {', '.join(FAULTS)}.",
            )

    def _check_course(self) -> None:
        if not self.course or any(name not in COURSES for name in self.course):
            raise ConfigError(
                f"--course is {self.course!r}",
                remedy=f"It must be a list of these: {', '.join(COURSES)}.",
            )

    def _within(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            bounds = f"between {low} and {high}" if math.isfinite(high) else f"{low} or more"
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} is {value!r}", remedy=f"It must be {bounds}.")

    def _range(self, name: str) -> None:
        value = tuple(float(end) for end in getattr(self, name))
        if len(value) != 2 or not 0 <= value[0] <= value[1]:
            raise ConfigError(
                f"--{name.replace('_', '-')} is {list(value)!r}",
                remedy="It must be the minimum and the maximum, [low, high], 0 or more.",
            )
        setattr(self, name, value)
