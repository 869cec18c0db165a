"""`gamdss tsne`: what the scripts under `visual/` write out."""

from gamdss.tsne import TSNE

COMMAND = TSNE
