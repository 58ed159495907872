"""Launch, watch and stop training runs. A run's identity lives in the store and its folder, never in a browser."""
