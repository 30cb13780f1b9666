"""Attacks on an investigation: what stands in a log, what it says, and what a model that obeys it then does."""
