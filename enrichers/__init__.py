"""What surrounds an event: the entities it touches and the links between them."""
