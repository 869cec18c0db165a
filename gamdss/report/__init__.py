"""Tables, figures and pages of runs, and of what other commands find."""
