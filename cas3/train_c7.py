"""CAS(ME)3 part A, 7 classes, leaving one subject out: `python cas3/train_c7.py --data-root PATH`.

`--demo` runs on a small made dataset; `--help` explains every option.
"""

from pathlib import Path

from gamdss.cli import train_script

if __name__ == "__main__":
    train_script(Path(__file__).resolve().parents[1] / "configs" / "cas3_c7.yaml")
