"""What the application stands on."""
