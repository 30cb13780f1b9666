"""The sources Braid reads: one module a vendor, each with one `SOURCE`."""
