"""Pictures in, uint8 batches out: `prepare` builds a data set, `images` opens it, `pixels` defines the range."""
