"""Values and decisions: pure, typed, frozen; no I/O, clock or environment."""
