"""Faults done on purpose to a consortium on this machine, and what must hold afterwards."""
