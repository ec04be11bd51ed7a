"""The figures of the paper, sheets and films, for any network."""
