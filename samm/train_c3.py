"""SAMM, 3 classes, leaving one subject out: `python samm/train_c3.py --data-root PATH`.

`--demo` runs on a small made dataset; `--help` explains every option.
"""

from pathlib import Path

from gamdss.cli import train_script

if __name__ == "__main__":
    train_script(Path(__file__).resolve().parents[1] / "configs" / "samm_c3.yaml")
