"""Other programs' formats: reads pickles and PyTorch files without running them, writes ONNX, pushes to the hub."""
