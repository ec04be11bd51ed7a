"""From seeds to pictures, figures and films."""
