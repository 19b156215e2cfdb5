"""Training the chosen backbone."""
