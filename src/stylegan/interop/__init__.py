"""Other people's formats: the authors' pickles in (without running a byte of them), ONNX out."""
