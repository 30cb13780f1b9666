"""The audit log: hash-chained, signed, verified offline."""
