"""Reputation from other people's services, asked for by the investigator and never by the stream."""
