"""Threat intelligence: indicators of many feeds in one table, matched at the speed of the stream."""
