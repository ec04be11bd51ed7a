"""Experiments that train and measure in one command."""
