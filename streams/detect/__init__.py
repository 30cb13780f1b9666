"""Sigma detection: rules compiled once, then evaluated on one event at a time. Pure: no Kafka, no clock."""
