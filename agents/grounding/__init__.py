"""See that what an investigation claims is borne out by what it cites."""
