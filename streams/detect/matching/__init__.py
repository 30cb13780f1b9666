"""Decide which rules fire: one scan for a new value, one look for a known one. Gives what evaluating each would."""
