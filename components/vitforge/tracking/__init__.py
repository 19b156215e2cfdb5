"""Tracking: steps write to a spool, a shipper sends it to MLflow."""

from vitforge.tracking.step import StepRun

__all__ = ["StepRun"]
