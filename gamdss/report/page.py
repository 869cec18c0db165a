"""One self-contained HTML page of a run: no network, no script, no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gamdss.errors import RunError
from gamdss.files import write_atomic
from gamdss.report.table import Table, html

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, its size in pixels, and a description for those who do not see it."""

    source: str
    width: int
    height: int
    alt: str
    name: str = ""
    text: str = ""


@dataclass(frozen=True)
class Plot:
    """A figure of the page; `shown` is its maximum width in CSS pixels."""

    anchor: str
    source: str
    width: int
    height: int
    shown: int
    alt: str
    caption: str


@dataclass(frozen=True)
class Number:
    """A number shown first, and lines about it."""

    name: str
    value: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Warn:
    """What a reader must know before relying on a number."""

    title: str
    text: str
    items: Sequence[str] = ()


@dataclass(frozen=True)
class Bar:
    """A class's probability."""

    name: str
    percent: float
    text: str
    true: bool


@dataclass(frozen=True)
class Card:
    """A held-out clip: its class, the network's probabilities, and its pictures."""

    name: str
    true: str
    predicted: str
    right: bool
    bars: Sequence[Bar]
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Page:
    """Everything on the page, in its order."""

    title: str
    extent: str
    numbers: Sequence[Number]
    selection: str
    tables: Sequence[Table]
    figures: Sequence[Sequence[Plot]]
    figures_note: str
    clips_note: str
    clips: Sequence[tuple[str, Sequence[Card]]]
    composition: Table
    config: Table
    config_note: str
    environment: Table
    footer: str
    corrections: Table | None = None
    warnings: Sequence[Warn] = field(default_factory=tuple)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and name of each section, for the navigation."""
        warned = [("warnings", "Keep in mind")] if self.warnings else []
        return [
            ("results", "Results"),
            *warned,
            ("figures", "Figures"),
            ("clips", "Clips"),
            ("data", "Data"),
            ("config", "Configuration"),
            ("environment", "Environment"),
        ]


def write_page(path: Path, page: Any, template: Path = _HERE / "page.html") -> None:
    """Render the page and write it.

    Args:
        path: file to write.
        page: a `Page`, or what another template shows.
        template: takes `page`, `css`, and `table`, which renders a `Table`.

    Raises:
        RunError: the file cannot be written.
    """
    # Names of classes, clips and folders come from files: all are escaped.
    environment = Environment(
        loader=FileSystemLoader([template.parent, _HERE]),  # templates extend `base.html`
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = environment.get_template(template.name)
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    # In pieces: pages embed all their pictures.
    pieces = source.stream(page=page, css=Markup(css), table=html)
    write_atomic(path, lambda target: pieces.dump(str(target), encoding="utf-8"))


def embedded(image: np.ndarray) -> str:
    """An RGB image (H, W, 3), uint8, as a data URI of a PNG."""
    return _uri(_encoded(image[..., ::-1], ".png"), "png")


def embedded_file(file: Path, photographs: bool = False) -> tuple[str, int, int]:
    """A PNG file as a data URI, its width and height.

    Args:
        file: the PNG file.
        photographs: it is mostly photographs, which look the same in a seventh of the bytes.

    Raises:
        RunError: missing, or not an image.
    """
    data = file.read_bytes() if file.is_file() else b""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise RunError(
            "missing or broken figure",
            file=file,
            remedy="Start the run again: it draws its figures again.",
        )
    height, width = image.shape[:2]
    if photographs:
        return _uri(_encoded(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, 90), "webp"), width, height
    return _uri(data, "png"), width, height


def _encoded(image: np.ndarray, suffix: str, *settings: int) -> bytes:
    done, data = cv2.imencode(suffix, image, settings)
    assert done
    return data.tobytes()


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
