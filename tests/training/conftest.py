"""Fixtures for the tests of training."""

import pytest
import torch


@pytest.fixture
def float64():
    """Networks and numbers are made in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
