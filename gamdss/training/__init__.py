"""Training and evaluation of folds, and the run directory that they are written to."""
