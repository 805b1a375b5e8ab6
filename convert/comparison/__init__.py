"""Is it still the same classifier? The parity ladder, its statistics, its diagnosis and its report."""
