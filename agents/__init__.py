"""From sequence to verdict: the investigation, its tools and its evidence."""
