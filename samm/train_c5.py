"""SAMM, five classes, leaving one subject out.

python samm/train_c5.py --demo                        # synthetic clips, minutes on a CPU
python samm/train_c5.py --data-root /data/SAMM
python samm/train_c5.py --help                        # every option
"""

from pathlib import Path

import gamdss

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "samm_c5.yaml"


def main() -> None:
    """One training per held-out subject; resumes if interrupted, torchrun's ranks share them."""
    with gamdss.Experiment.from_command_line(CONFIG) as experiment:
        dataset = experiment.open_dataset()  # workbook -> clips -> reselected key frames, cached
        for fold in experiment.folds(dataset):  # one subject held out
            experiment.trainer(dataset, fold).run()  # trains; keeps every epoch's held-out logits
        print(experiment.report(dataset))  # results.json, tables and figures


if __name__ == "__main__":
    main()
