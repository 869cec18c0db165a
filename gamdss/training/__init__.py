"""Training and evaluation of folds."""
