"""Finished runs: read, reopened with their data, merged, exported, and looked into."""
