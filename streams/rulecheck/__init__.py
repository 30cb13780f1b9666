"""What detection engineers ask of their rules: are they sound, what do they cover, why (not), how often."""
