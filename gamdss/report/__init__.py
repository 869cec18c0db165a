"""Tables and figures of a finished run."""
