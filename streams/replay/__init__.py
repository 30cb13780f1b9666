"""The path without a broker: files in, the same pure stages in one process on virtual time, files out."""
