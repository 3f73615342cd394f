"""Trained generators outside of ganzoo: ONNX files, torch.export programs, and model folders."""
