"""`gamdss tsne`, which the scripts under `visual/` spell out."""

from gamdss.tsne import TSNE

COMMAND = TSNE
