"""`--demo` makes clips for whatever dataset and task a config names."""

from pathlib import Path

import pytest

from gamdss import demo
from gamdss.cli import main
from gamdss.errors import ConfigError
from gamdss.experiment import TRAIN

ROOT = Path(__file__).parents[1]
TINY = "{subjects: 2, clips_per_subject: 3, height: 32, width: 32, fps: 40, seed: 4}"


@pytest.mark.slow
def test_the_demo_of_another_dataset(made, small_options, tmp_path, monkeypatch, capsys):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.setattr(demo, "DATASET", tmp_path / "tiny.yaml")
    words = ["train", "--config", str(ROOT / "configs" / "smic_c3.yaml"), "--demo"]
    words += [*small_options, "--model.backbone", "test_vit", "--training.epochs", "1"]
    words += ["--output", str(tmp_path / "run")]
    assert main([*words, "--cache", str(tmp_path)]) == 0
    assert "Synthetic clips in SMIC-HS's layout, c3: 6 clips of 2 subjects" in (
        capsys.readouterr().out
    )
    (root,) = (tmp_path / "synthetic").glob("demo-smic-*")
    assert list(root.glob("SMIC_all_cropped/HS/s1/micro/*/*/reg_image*.bmp"))


@pytest.mark.slow
def test_each_task_has_clips_of_its_own(made, tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.setattr(demo, "DATASET", tmp_path / "tiny.yaml")
    five = demo.dataset(tmp_path, "samm", ["anger", "others"], progress=False)
    three = demo.dataset(tmp_path, "samm", ["fear", "surprise"], progress=False)
    assert five != three
    assert demo.dataset(tmp_path, "samm", ["anger", "others"], progress=False) == five


@pytest.fixture
def chosen(tmp_path):
    """The config of a `train` command line; `FILE` and `OTHER` stand for config files."""
    files = {"FILE": "{training: {epochs: 199}, model: {image_size: 224}, seed: 5}"}
    files["OTHER"] = "{training: {epochs: 50}, seed: 6}"
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def read(line):
        for name in files:
            line = line.replace(name, str(tmp_path / name))
        return TRAIN.parse("train", line.split())[1]

    return read


@pytest.mark.parametrize(
    "line",
    [
        "--config FILE --demo",
        "--demo --config FILE",
        "--config=FILE --demo",
        "--demo --config=FILE",
        "--task c5 --config FILE --demo",
        "--demo --task c5 --config=FILE",
    ],
)
def test_the_demo_does_not_depend_on_the_order_of_words(chosen, line):
    config = chosen(line)
    assert (config.training.epochs, config.model.image_size, config.seed) == (12, 64, 5)


@pytest.mark.parametrize(
    "line",
    [
        "--config FILE --demo --seed 3 --training.epochs 1",
        "--seed 3 --training.epochs=1 --config FILE --demo",
        "--demo --training.epochs 1 --config=FILE --seed=3",
    ],
)
def test_options_win_over_the_demo_and_files(chosen, line):
    config = chosen(line)
    assert (config.training.epochs, config.model.image_size, config.seed) == (1, 64, 3)


@pytest.mark.parametrize(
    "line",
    ["--config FILE --demo --config OTHER", "--config=FILE --config OTHER --demo"],
)
def test_the_demo_wins_over_every_file_and_later_files_over_earlier(chosen, line):
    config = chosen(line)
    assert (config.training.epochs, config.model.image_size, config.seed) == (12, 64, 6)


def test_a_demo_that_is_switched_off(chosen):
    assert chosen("--config FILE --demo false").training.epochs == 199
    assert chosen("--config FILE --demo=true").training.epochs == 12


def test_without_the_demo_words_stay_as_they_are(chosen):
    assert chosen("--seed 3 --config FILE").seed == 5
    with pytest.raises(ConfigError):
        chosen("--demo --config")


def test_a_plain_table_has_no_demo(tmp_path, capsys):
    file = tmp_path / "t.csv"
    file.write_text("subject,clip,onset,offset,emotion\na,1,5,9,joy\nb,2,6,8,fear\n")
    words = ["--dataset", "csv", "--annotations", str(file), "--task", "c2"]
    assert main(["train", *words, "--demo", "--output", str(tmp_path / "out")]) == 2
    assert "a plain table has none\nOmit --demo" in capsys.readouterr().err
    assert main(["train", *words, "--output", str(tmp_path / "out")]) == 2
    assert "--demo" not in capsys.readouterr().err
    assert main(["synth", "--dataset", "csv", "--output", str(tmp_path / "out")]) == 2
    assert "a plain table has none" in capsys.readouterr().err
    assert main(["datasets", "--show", "csv"]) == 2
    assert "a plain table needs no spec" in capsys.readouterr().err
