"""An application that asks a model, and keeps its users from waiting for a load."""
