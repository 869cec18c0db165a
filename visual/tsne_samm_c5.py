"""SAMM, 5 classes: t-SNE of a run's features, `python visual/tsne_samm_c5.py RUN`.

RUN is `runs/samm_c5` if left out; a second run is drawn beside it. `--demo` makes a run on a small
made dataset; `--help` explains every option.
"""

from pathlib import Path

from gamdss.cli import tsne_script

if __name__ == "__main__":
    tsne_script(Path(__file__).resolve().parents[1] / "configs" / "samm_c5.yaml")
