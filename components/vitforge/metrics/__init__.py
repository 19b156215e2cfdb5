"""A model's answers for held-out images, and the metrics that are made from them alone."""
