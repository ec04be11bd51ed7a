"""Experiments: training and measuring in one command."""
