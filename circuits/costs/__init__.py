"""What a chip costs, area and energy, as one study: tables, figures, report."""
