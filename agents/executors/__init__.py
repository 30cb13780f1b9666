"""Carry out approved actions, see that they took effect, take them back."""
