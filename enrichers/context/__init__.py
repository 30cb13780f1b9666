"""What an organization knows of its own: assets, identities, and what is allowed."""
