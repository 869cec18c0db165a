"""t-SNE of the embeddings of a run: CASME II, five classes.

python visual/tsne_cas2_c5.py --demo           # trains the demo first, if need be
python visual/tsne_cas2_c5.py                  # runs/cas2_c5
python visual/tsne_cas2_c5.py RUN RUN2         # side by side
python visual/tsne_cas2_c5.py --help           # every option
"""

from pathlib import Path

import gamdss

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "cas2_c5.yaml"


def main() -> None:
    """Draw every held-out clip as its own fold's network sees it, all folds in one space."""
    with gamdss.TsnePicture.from_command_line(CONFIG) as picture:
        for run in picture.runs:
            picture.draw(run)  # embeddings by the checkpoints, folds aligned, t-SNE, silhouette
        print(picture.save())  # PNG, PDF, and the points as CSV


if __name__ == "__main__":
    main()
