"""`gamdss report`: one self-contained page, which a browser shows without messages."""

import json
import re
import shutil
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import chromium, console

from gamdss.cli import main
from gamdss.config import Config, ModelConfig
from gamdss.report import run_page
from gamdss.report.page_warnings import warnings
from gamdss.runs.finished import read_run

pytestmark = pytest.mark.slow

MEASURE = """<script>addEventListener("load", () => {
  const frame = document.querySelector("iframe");
  const read = () => {
    const page = frame.contentDocument;
    document.body.dataset.found = JSON.stringify({
      images: [...page.images].map(image => image.complete && image.naturalWidth > 0),
      wide: page.documentElement.scrollWidth,
      paper: getComputedStyle(page.body).backgroundColor,
      anchors: [...page.querySelectorAll("nav a")].map(
        a => Boolean(page.querySelector(a.getAttribute("href")))),
    });
  };
  read();
});</script>"""


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(finished_run):
    """The page of a run with pictures, and its text."""
    assert main(["report", str(finished_run)]) == 0
    file = finished_run / "report.html"
    return file, file.read_text("utf-8")


def measured(text, folder, width, *words):
    """What a browser finds in the page in a frame of this width."""
    # The page's own policy forbids scripts, so the measuring stands outside of it.
    frame = f'<iframe style="width:{width}px;height:900px" srcdoc="{escape(text)}"></iframe>'
    outside = folder / "measure.html"
    outside.write_text(f"<!doctype html><body>{frame}{MEASURE}</body>", "utf-8")
    shown, log = chromium(folder / "profile", *words, "--dump-dom", outside.as_uri())
    assert console(log) == []
    return json.loads(unescape(re.search(r'data-found="([^"]*)"', shown).group(1)))


def test_the_page_shows_the_results(finished_run, page):
    _, text = page
    results = json.loads((finished_run / "results.json").read_text())
    shown = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))
    for measure, name in (("accuracy", "accuracy"), ("uf1", "UF1"), ("uar", "UAR")):
        assert f"{name}, final epoch {results['final'][measure]:.3f}" in shown
        assert f"oracle: {results['oracle'][measure]:.3f}" in shown
    for fold in results["folds"]:
        assert f"{fold['held_out']} {fold['clips']} {fold['final']['accuracy']:.3f}" in shown
    for words in ("training.epochs 2 199", "The clips are synthetic", "happiness", "Most certain"):
        assert words in shown
    assert "fewer than 10 clips" in shown
    assert str(finished_run) not in text  # no path of this machine


def test_tables_of_the_page_name_no_place():
    config = Config(
        dataset="/here/lab.yaml+cas2",
        init_from="/here/run",
        model=ModelConfig(backbone="resnet18", weights="/here/w"),
    )
    for table in (
        run_page._config(config),
        run_page._environment({"merged": {"/here/a": {"seed": 1}, "/here/b": {"seed": 2}}}),
    ):
        text = "\n".join(str(cell) for row in table.rows for cell in row)
        assert "/here" not in text
        assert "lab.yaml+cas2" in text or "part 2.seed" in text


def test_the_page_is_self_contained(page):
    _, text = page
    tags = Tags(text).found
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed"}
    for tag, attrs in tags:
        for name in ("src", "href"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
        if tag == "img":
            assert len(attrs["alt"]) > 10
    assert "url(" not in text
    assert "@import" not in text


def test_a_browser_shows_it_light_dark_and_narrow(page, tmp_path):
    _, text = page
    light = measured(text, tmp_path, 1200)
    assert len(light["images"]) >= 5 + 3 * 5
    assert all(light["images"])
    assert all(light["anchors"])
    assert len(light["anchors"]) >= 6
    narrow = measured(text, tmp_path, 400)
    assert narrow["wide"] <= 400
    dark = measured(text, tmp_path, 1200, "--blink-settings=preferredColorScheme=0")

    def brightness(found):
        return np.mean([int(n) for n in re.findall(r"\d+", found["paper"])[:3]])

    assert brightness(light) > 200
    assert brightness(dark) < 60


def test_it_opens_from_disk_without_console_messages(page, tmp_path):
    picture = tmp_path / "page.png"
    words = ["--window-size=1280,1600", f"--screenshot={picture}", page[0].as_uri()]
    _, log = chromium(tmp_path / "profile", *words)
    assert console(log) == []
    image = cv2.imread(str(picture))
    assert image.shape[:2] == (1600, 1280)
    assert image.std() > 20


def test_the_browser_does_find_faults(page, tmp_path):
    broken = page[1].replace(
        "<h2>Results</h2>", '<div style="width:900px">.</div><img src="x.png">'
    )
    found = measured_loosely(broken, tmp_path)
    assert found["wide"] > 400
    assert not all(found["images"])


def measured_loosely(text, folder):
    frame = f'<iframe style="width:400px;height:900px" srcdoc="{escape(text)}"></iframe>'
    outside = folder / "measure.html"
    outside.write_text(f"<!doctype html><body>{frame}{MEASURE}</body>", "utf-8")
    shown, log = chromium(folder / "profile", "--dump-dom", outside.as_uri())
    assert any("Content Security Policy" in line for line in console(log))
    return json.loads(unescape(re.search(r'data-found="([^"]*)"', shown).group(1)))


def test_the_page_of_a_run_with_inner_epochs_and_flow(inner_flow_run, tmp_path):
    assert main(["report", str(inner_flow_run), "--output", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text("utf-8")
    results = json.loads((inner_flow_run / "results.json").read_text())
    shown = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))
    for measure, name in (("accuracy", "accuracy"), ("uf1", "UF1")):
        assert f"{name}, inner epoch {results['inner'][measure]:.3f}" in shown
        assert f"{name}, final epoch" not in shown.replace("accuracy, final epoch accuracy", "")
    for fold in results["folds"]:
        inner = f"{fold['inner']['accuracy']:.3f} {fold['inner']['epoch']}"
        assert f"{fold['final']['accuracy']:.3f} {inner}" in shown
    alts = " ".join(attrs["alt"] for tag, attrs in Tags(text).found if tag == "img")
    assert "inner epoch" in alts
    assert "final epoch" not in alts
    for words in ("the inner epoch's network", "each fold's network after its inner epoch"):
        assert words in shown


def test_names_are_text_and_not_markup(finished_run, tmp_path):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    for name in ("annotations.csv", "composition.csv", "results.json"):
        file = run / name
        file.write_text(file.read_text().replace("happiness", "<b>&happy</b>"))
    assert main(["report", str(run), "--frames", "false"]) == 0
    text = (run / "report.html").read_text("utf-8")
    assert "&lt;b&gt;&amp;happy&lt;/b&gt;" in text
    assert "<b>&happy" not in text
    assert "no faces are shown" in text


def test_intervals_corrections_and_notes_are_shown(finished_run, tmp_path, monkeypatch):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    file = run / "annotations.csv"
    lines = file.read_text().splitlines()
    lines[1] = ",".join([*lines[1].split(",")[:-2], "offset 5 is 50", "apex is the midpoint"])
    file.write_text("\n".join(lines))
    header, first, *_ = (run / "keyframes.csv").read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index("notes")] = "frame 7 is missing"
    (run / "keyframes.csv").write_text("\n".join([header, ",".join(cells)]))
    assert (
        main(["report", str(run), "--frames", "false", "--output", str(tmp_path / "p.html")]) == 0
    )
    text = (tmp_path / "p.html").read_text("utf-8")
    assert "95% interval: too few subjects" in text
    assert "corrected for 1 clip(s)" in text
    assert "offset 5 is 50" in text
    assert "frame 7 is missing" in text
    monkeypatch.setattr("gamdss.metrics.bootstrap.FEWEST", 3)
    words = ["report", str(run), "--frames", "false", "--output", str(tmp_path / "three.html")]
    assert main(words) == 0
    text = (tmp_path / "three.html").read_text("utf-8")
    low, high = read_run(run).results.final.intervals["accuracy"]
    assert f"95% interval: {low:.3f} to {high:.3f}" in text
    assert f"({low:.3f} to {high:.3f})" in text


def test_unchanged_key_frames_are_shown_apart_from_faults(finished_run):
    read = read_run(finished_run)

    def shown(*rows):
        rows = [
            {"subject": "01", "clip": f"c{i}", "notes": note, "kept": kept}
            for i, (note, kept) in enumerate(rows)
        ]
        found = warnings(read.results, read.config, [], rows, [])
        return {w.title: list(w.items) for w in found if "ey frames" in w.title}

    nothing = shown(("", ""), ("", ""))
    one = shown(("", "apex"), ("", ""))
    assert one == {**nothing, "In 1 of 2 clips, key frames are unchanged.": []}
    both = shown(("frame 7 missing inside the clip: skipped", "apex"), ("", "onset apex offset"))
    assert both["In 2 of 2 clips, key frames are unchanged."] == []
    title = "Key frames of {} clip(s) were substituted, or could not be fully searched."
    assert both[title.format(1)] == ["01/c0: frame 7 missing inside the clip: skipped"]
    many = shown(*[("frame 7 missing", "")] * 20)[title.format(20)]
    assert many[-1] == "and 8 more (see keyframes.csv)"


def test_clips_whose_fit_is_unreliable_are_listed(finished_run):
    read = read_run(finished_run)
    row = {"subject": "01", "notes": "", "kept": ""}
    rows = [{**row, "clip": f"c{q}", "quality": q} for q in ("0.95", "0.41", "")]
    found = [
        w for w in warnings(read.results, read.config, [], rows, []) if "unreliable" in w.title
    ]
    assert [w.title for w in found] == [
        "In 1 of 2 clips, the fit of the motion is unreliable.",
    ]
    assert list(found[0].items) == ["01/c0.41: 0.41"]


def test_the_data_is_missing(finished_run, tmp_path, capsys):
    words = ["report", str(finished_run), "--data-root", str(tmp_path / "absent")]
    assert main(words) == 2
    assert "--frames false" in capsys.readouterr().err
    assert main(["report", str(tmp_path)]) == 2
    assert "incomplete or corrupt config" in capsys.readouterr().err
