"""The engine: sources, detection, correlation, the lake, the workers and the commands."""
