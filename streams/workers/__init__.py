"""The shells: the processes that know Kafka, the clock and the operating system."""
