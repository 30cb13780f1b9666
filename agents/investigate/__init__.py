"""The investigation by a model: plan, tools, answer; what comes out of it is decided by code."""
