"""Talk to language models: two protocols, budgets, retries, a circuit breaker."""
