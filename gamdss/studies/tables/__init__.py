"""The paper's tables: a file lists runs and columns, and missing runs are trained."""
