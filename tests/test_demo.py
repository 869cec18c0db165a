"""`--demo` makes clips for whatever dataset and task a config names."""

from pathlib import Path

from gamdss import demo
from gamdss.cli import main

ROOT = Path(__file__).parents[1]
TINY = "{subjects: 2, clips_per_subject: 3, height: 32, width: 32, fps: 40, seed: 4}"


def test_the_demo_of_another_dataset(made, small_options, tmp_path, monkeypatch, capsys):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.setattr(demo, "DATASET", tmp_path / "tiny.yaml")
    words = ["train", "--config", str(ROOT / "configs" / "smic_c3.yaml"), "--demo"]
    words += [*small_options, "--training.epochs", "1", "--output", str(tmp_path / "run")]
    assert main([*words, "--cache", str(tmp_path)]) == 0
    assert "Synthetic clips in SMIC-HS's layout, c3: 6 clips of 2 subjects" in (
        capsys.readouterr().out
    )
    (root,) = (tmp_path / "synthetic").glob("demo-smic-*")
    assert list(root.glob("SMIC_all_cropped/HS/s1/micro/*/*/reg_image*.bmp"))


def test_each_task_has_clips_of_its_own(made, tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.setattr(demo, "DATASET", tmp_path / "tiny.yaml")
    five = demo.dataset(tmp_path, "samm", ["anger", "others"], progress=False)
    three = demo.dataset(tmp_path, "samm", ["fear", "surprise"], progress=False)
    assert five != three
    assert demo.dataset(tmp_path, "samm", ["anger", "others"], progress=False) == five
