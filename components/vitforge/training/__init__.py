"""The training engine: what fine-tuning and the candidates' short trials share."""
