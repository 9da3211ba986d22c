"""The simulator: an Ollama server without weights, faithful to recordings."""
