"""Training and judging: one fold, all folds, the run directory."""
