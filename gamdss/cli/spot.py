"""`gamdss spot`: key frames of clips without annotation; expressions in long recordings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from gamdss.align.settings import AlignConfig
from gamdss.config.command_line import Command
from gamdss.data.long_emotions import with_emotions
from gamdss.data.long_videos import RowRules, open_long_videos
from gamdss.errors import ConfigError, FrameError, require
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.predictor import PredictConfig, Predictor
from gamdss.prediction.spot_clips import spot_clips, write_spotted
from gamdss.prediction.spot_dataset import FaceSource, spot_videos
from gamdss.prediction.spotted_files import write_spotted_videos

_SOURCES = (
    "Give clips with --input, or a long-video dataset with --dataset (casme2sq, sammlv or cas3lv) "
    "and --data-root."
)
_FACES = ("auto", "track", "as-is")


@dataclass
class Options:
    """Find onset, apex and offset in clips without annotation, or in a long-video dataset.

    Args:
        output: folder of the tables and the figures.
        input: a video, a folder of frames, or a tree of both; each is a clip with one face and one
            expression, without cuts; align them first with `gamdss align`.
        workers: largest number of processes for `input`; 0 takes one per processor, but at
            most one per 4 clips; 1 starts none.
        dataset: long-video dataset in place of `input`, `casme2sq`, `sammlv` or `cas3lv`; all its
            recordings are spotted, and scored by the rule of the MEGC.
        data_root: the dataset's folder.
        annotations: the dataset's workbook, if it is not found by its name.
        layout: which of the dataset's frames are read, `raw` or `cropped`; the first found if
            omitted.
        faces: `track` the face in the dataset's frames; take them `as-is`, since they are face
            crops already; or `auto`, by layout.
        face: where left eye, right eye and mouth are in frames that are taken as they are: x and y
            of each, relative to width and height.
        detector: finds the faces to track: dlib (default), mtcnn, blazeface or mesh.
        rules: what is done with incomplete rows of the dataset.
        run: a finished run, which classifies the micro-expressions that are spotted, each by the
            networks that were not trained on its subject; adds the spot-then-recognise score
            (STRS).
        emotions: with `run`, the workbook of the same clips in SAMM or CAS(ME)3, which has the
            emotions of the labels; that of CAS(ME)2 has its own.
    """

    output: str = field(kw_only=True)
    input: str | None = None
    workers: int = 0
    dataset: str | None = None
    data_root: str | None = None
    annotations: str | None = None
    layout: str | None = None
    faces: str = "auto"
    face: tuple[float, float, float, float, float, float] | None = None
    detector: str | None = None
    rules: RowRules = field(default_factory=RowRules)
    run: str | None = None
    emotions: str | None = None

    def __post_init__(self) -> None:
        require(self.workers >= 0, "workers", self.workers, "0 or more")
        require(self.faces in _FACES, "faces", self.faces, " or ".join(_FACES))
        shares = self.face is None or all(0 <= share <= 1 for share in self.face)
        require(shares, "face", self.face, "shares of width and height from 0 to 1, not pixels")
        names = ("dataset", "data_root", "annotations", "layout", "face", "detector", "run")
        if self.emotions is not None and self.run is None:
            raise ConfigError("--emotions has no effect without --run", remedy="Omit it.")
        given = [n for n in names if getattr(self, n) is not None]
        given += ["faces"] if self.faces != "auto" else []
        given += ["rules"] if self.rules != RowRules() else []
        if self.input is not None and given:
            flag = given[0].replace("_", "-")
            raise ConfigError(f"--input and --{flag} are both given", remedy=_SOURCES)
        if self.input is None:
            for name in ("dataset", "data_root"):
                if getattr(self, name) is None:
                    what = name.replace("_", "-") if given else "input"
                    raise ConfigError(f"--{what} is missing", remedy=_SOURCES)
            if self.workers:
                raise ConfigError(
                    "--workers and --dataset are both given", remedy="Omit --workers."
                )


def run(options: Options) -> int:
    """Spot clips or a dataset, and write tables; returns 1 if any could not be spotted."""
    output = Path(options.output).expanduser()
    if options.input is None:
        return _dataset(options, output)
    place = Path(options.input).expanduser()
    found = spot_clips(place, output, options.workers)
    print(write_spotted(found, output))
    failed = [item for item in found if item.fit is None]
    if len(failed) == len(found):
        raise FrameError(
            f"no clip could be spotted: {failed[0].problem}",
            file=place,
            remedy="A clip is a folder of frames of one size, or a video, with one face.",
        )
    return 1 if failed else 0


def _dataset(options: Options, output: Path) -> int:
    """Spot and score a long-video dataset; returns 1 if a recording could not be spotted."""
    assert options.dataset is not None
    assert options.data_root is not None
    root = Path(options.data_root).expanduser()
    workbook = _path(options.annotations)
    data = open_long_videos(options.dataset, root, workbook, options.layout, options.rules)
    tracked = options.faces == "track" or (options.faces == "auto" and not data.cropped)
    unused = "face" if tracked else "detector"
    if getattr(options, unused) is not None:
        how, other = ("tracked", "as-is") if tracked else ("taken as they are", "track")
        raise ConfigError(
            f"--{unused} has no effect if faces are {how}",
            remedy=f"Omit it, or set --faces {other}.",
        )
    settings = AlignConfig(detector=options.detector or "dlib")
    faces = FaceSource(tracked, settings)
    if options.face is not None:
        x = options.face
        layout = FaceLayout((x[0], x[1]), (x[2], x[3]), (x[4], x[5]))
        faces = FaceSource(tracked, settings, layout)
    predictor = None
    if options.run is not None:
        data = with_emotions(data, _path(options.emotions))
        predictor = Predictor(options.run, PredictConfig(crops=settings))
    found = spot_videos(data, output, faces, predictor)
    failed = [item for item in found if item.problem]
    if len(failed) == len(found):
        raise FrameError(
            f"no recording could be spotted: {failed[0].problem}",
            file=failed[0].video.folder,
            remedy=failed[0].remedy,
        )
    stored = {"rules": asdict(options.rules), **faces.identity}
    finished = None if predictor is None else predictor.run
    print(write_spotted_videos(data, found, output, stored, finished))
    return 1 if failed else 0


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()


COMMAND = Command(run, Options)
