"""Machines: batches, runs, model versions, evaluation."""
