"""Filing a model version."""
