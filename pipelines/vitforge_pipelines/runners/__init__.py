"""Ways to run a DAG: on this machine, or on a cluster."""
