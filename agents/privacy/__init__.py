"""What a model may read of an event, and under which names."""
