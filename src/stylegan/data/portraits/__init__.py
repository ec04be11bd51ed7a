"""The built-in data set: portraits drawn from known factors."""
