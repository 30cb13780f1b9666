"""What may be done, by whom it has to be approved, and on what evidence."""
