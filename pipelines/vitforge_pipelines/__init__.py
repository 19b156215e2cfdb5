"""The DAGs, the ways to run them, and the `vitforge` command."""
