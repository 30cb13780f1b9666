"""The tools that a model may call: typed, read-only, bounded."""
