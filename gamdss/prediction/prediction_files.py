"""The output folder of `gamdss predict`: tables and pictures, written recording by recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gamdss.data.folders import folder_images
from gamdss.errors import FrameError
from gamdss.files import file_states, hold_folder, read_record, write_csv, write_record
from gamdss.prediction.prediction_card import draw_card
from gamdss.prediction.prediction_page import card_file, timeline_file, write_prediction_page
from gamdss.prediction.predictions import Prediction
from gamdss.prediction.predictor import Predictor
from gamdss.prediction.recordings import Recording, find_recordings
from gamdss.prediction.spot_clips import prepare_output
from gamdss.prediction.timeline import draw_timeline
from gamdss.prediction.trained_on import SYNTHETIC, identity
from gamdss.records import APEX_PHASE, KEYS

MARKER = "predictions.json"
_LISTS = ("stretches", "predictions", "others", "warnings")
_COLUMNS = ("recording", "number", "stretch", "type", "score", "parts")


def predict_recordings(
    predictor: Predictor, place: Path, output: Path, fps: float | None = None
) -> dict[str, Any]:
    """Predict every recording of a path, and write the output after each.

    A recording that cannot be read, or shows no face, has a `problem`; the others are predicted.
    Recordings that the folder has from the same run and settings are not computed again.

    Args:
        predictor: the networks and settings.
        place: a video, a folder of frames, or a tree of them.
        output: folder of `predictions.csv`, `.json` and `.html`, `timelines/` and `cards/`.
        fps: frames per second, for folders of frames.

    Returns:
        The values of `predictions.json`.

    Raises:
        DataRootError: there is no recording.
        ConfigError: `output` is inside `place`.
        RunError: `output` contains other files, is in use, or cannot be written.
    """
    recordings = find_recordings(place, fps)
    prepare_output(output, place)
    with hold_folder(output, MARKER):
        values = _about(predictor)
        sources = [_content(recording) for recording in recordings]
        names = [(one.name, str(key)) for one, key in zip(recordings, sources, strict=True)]
        before = _names(output / MARKER)
        stored = _stored(output / MARKER, values)
        results = [stored.get(name) for name in names]
        for number, recording in enumerate(recordings):
            # Before its pictures, and with the stored recordings that follow, so that an
            # interrupted call can resume.
            values["recordings"] = [one for one in results if one is not None]
            write_record(output / MARKER, values)
            found = results[number]
            if found is None or found["problem"] or not _drawn(output, found):
                found = _predicted(predictor, recording, output)
            results[number] = {**found, "source": sources[number]}
        values["recordings"] = results
        write_record(output / MARKER, values)
        for name in before - {recording.name for recording in recordings}:
            _remove_pictures(output, name)
        header, *rows = _table(values["recordings"], predictor.run.classes)
        write_csv(output / "predictions.csv", [header, *rows])
        write_prediction_page(output, values)
    return values


def _about(predictor: Predictor) -> dict[str, Any]:
    config = predictor.config
    tracking = config.tracking
    return {
        "run": identity(predictor.run, config.crops),
        "temperature": round(predictor.ensemble.temperature, 6),
        "calibrated": predictor.ensemble.calibrated,
        "threshold": config.threshold,
        "draws": config.draws,
        "stabilise": tracking.stabilise,
        "face": tracking.choice.index,
        "box": None if tracking.choice.box is None else list(tracking.choice.box),
        "warnings": [SYNTHETIC] if predictor.trained_on.synthetic else [],
    }


def _stored(file: Path, values: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Recordings of an earlier call with the same run and settings."""
    before = read_record(file)
    if any(before.get(name) != value for name, value in values.items()):
        return {}
    try:
        return {(found["name"], str(found["source"])): found for found in before["recordings"]}
    except (KeyError, TypeError):  # incomplete
        return {}


def _names(file: Path) -> set[str]:
    """Names of the recordings of an earlier call, whatever its run and settings."""
    found = read_record(file).get("recordings", ())
    return {one["name"] for one in found if isinstance(one, dict) and "name" in one}


def _content(recording: Recording) -> list[Any]:
    """What changes if a recording does: sizes and times of its files, and the frame rate given."""
    path, fps = recording.path, recording.fps or 0
    if path.is_dir():
        return [file_states(folder_images(path)), fps]
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, fps]


def _predicted(predictor: Predictor, recording: Recording, output: Path) -> dict[str, Any]:
    """The values of a recording, after its pictures have been drawn; or its problem."""
    name = recording.name
    _remove_pictures(output, name)

    def draw(number: int, prediction: Prediction) -> None:
        draw_card(card_file(output, name, number), number, prediction)

    try:
        found = predictor.recording(recording, draw)
    except FrameError as error:
        empty: dict[str, Any] = {name: [] for name in _LISTS}
        return {
            "name": name,
            **empty,
            "problem": error.problem,
            "remedy": error.remedy,
        }
    values = found.as_dict()
    draw_timeline(timeline_file(output, name), values, predictor.run.classes)
    return values


def _remove_pictures(output: Path, name: str) -> None:
    """Remove the pictures of an earlier prediction of a recording, which may have had more."""
    timeline_file(output, name).unlink(missing_ok=True)
    number = 1
    while (card := card_file(output, name, number)).is_file():
        card.unlink()
        number += 1


def _drawn(output: Path, found: Mapping[str, Any]) -> bool:
    """Whether the pictures of a recording are there."""
    count, name = len(found["predictions"]), found["name"]
    cards = [card_file(output, name, number) for number in range(1, count + 1)]
    return all(file.is_file() for file in (timeline_file(output, name), *cards))


def _table(recordings: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> Iterator[list[Any]]:
    """The header and the rows of `predictions.csv`."""
    frames = [f"{key}{end}" for key in KEYS for end in ("", "_low", "_high")]
    frames += APEX_PHASE
    yield [
        *_COLUMNS,
        *frames,
        *(f"{name}_seconds" for name in frames),
        *("quality", "reliable", "face_share", "label"),
        *(f"{what}_{name}" for what in ("probability", "spread") for name in classes),
        *("flags", "problem"),
    ]
    for found in recordings:
        for number, item in enumerate(found["predictions"], start=1):
            yield [
                *(found["name"], number, item["stretch"], item["type"], item["score"]),
                "; ".join(item["parts"]),
                *_ends(item["frames"], item["frame_intervals"]),
                *(item["apex_phase"] or ("", "")),
                *_ends(item["seconds"], item["second_intervals"]),
                *(item["apex_phase_seconds"] or ("", "")),
                *(item[name] for name in ("quality", "reliable", "face_share", "label")),
                *(item[what][name] for what in ("probabilities", "spread") for name in classes),
                *("; ".join(item["flags"]), ""),
            ]
        if found["problem"]:
            empty = len(_COLUMNS) - 1 + 2 * len(frames) + 4 + 2 * len(classes) + 1
            yield [found["name"], *[""] * empty, found["problem"]]


def _ends(numbers: Sequence[float], intervals: Sequence[Sequence[Any]]) -> Iterator[Any]:
    for number, pair in zip(numbers, intervals or [("", "")] * 3, strict=True):
        yield from (number, *pair)
