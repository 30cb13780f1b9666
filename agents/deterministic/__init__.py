"""The investigator that needs no model: it weighs evidence by stated rules."""
