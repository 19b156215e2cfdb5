"""The same answers in a faster file."""
