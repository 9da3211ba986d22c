"""An application that asks a model."""
