"""From image files to a split that can be trusted."""
