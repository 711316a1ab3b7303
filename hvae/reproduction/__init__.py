"""The paper's Table 1 again: rows, runs, table, figures, page."""
