"""Energy and latency of encoded, generated and training images."""
