"""How fast this machine is with a config, against the original's way of doing the same work."""
