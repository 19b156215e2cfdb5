"""Every number with its interval."""
