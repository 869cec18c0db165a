"""The paper's tables: a file lists runs and columns, what is missing is trained, it is written."""
