"""Choosing a backbone by measurement."""
