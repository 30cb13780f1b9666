"""What an event says of the behaviour of its entities: features, folded into one delta for each entity and minute."""
