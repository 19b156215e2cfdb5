"""The `vitforge` command: one file a verb group."""
