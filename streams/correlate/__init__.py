"""Correlation in event time: a pure core that says which signals belong together."""
