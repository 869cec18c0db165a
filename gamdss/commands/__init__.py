"""The commands of `gamdss`, a module each: `parser()` and `run(values)`."""
