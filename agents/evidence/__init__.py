"""What an investigation reads: the store, the tools over it, and the facts that follow from what they answer."""
