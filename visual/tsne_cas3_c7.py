"""CAS(ME)3 part A, 7 classes: t-SNE of a run's features, `python visual/tsne_cas3_c7.py RUN`.

RUN is `runs/cas3_c7` if left out; a second run is drawn beside it. `--demo` makes a run on a small
made dataset; `--help` explains every option.
"""

from pathlib import Path

from gamdss.cli import tsne_script

if __name__ == "__main__":
    tsne_script(Path(__file__).resolve().parents[1] / "configs" / "cas3_c7.yaml")
