"""Online anomaly models: what is normal for an entity and its peers, learned while the stream flows.

A model has three parts. Its config is a small frozen dataclass. Its state is an immutable structure of msgspec, small,
without floats where whole numbers will do, and tagged with its model and version. Its logic is functions of both:
`score` reads a state, `learn` returns the next one, `finding` puts a score into words. Nothing here reads a clock,
draws a random number without a seed, or knows what an event is.
"""
