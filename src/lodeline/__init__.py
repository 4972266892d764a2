"""Lodeline: chain of custody for battery minerals, proved without revealing a number."""

__version__ = "0.1.0"
