"""CAS(ME)3 part A, seven classes, leaving one subject out.

python cas3/train_c7.py --demo                        # synthetic clips, minutes on a CPU
python cas3/train_c7.py --data-root /data/CASME3
python cas3/train_c7.py --help                        # every option
"""

from pathlib import Path

import gamdss

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "cas3_c7.yaml"


def main() -> None:
    """One training per held-out subject; resumes if interrupted, torchrun's ranks share them."""
    with gamdss.Experiment.from_command_line(CONFIG) as experiment:
        dataset = experiment.open_dataset()  # workbook -> clips -> reselected key frames, cached
        for fold in experiment.folds(dataset):  # one subject held out
            experiment.trainer(dataset, fold).run()  # trains; keeps every epoch's held-out logits
        print(experiment.report(dataset))  # results.json, tables and figures


if __name__ == "__main__":
    main()
