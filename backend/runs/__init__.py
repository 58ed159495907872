"""Launch, watch and stop training runs. A run is identified by its row in the store and its folder, not by a browser."""
