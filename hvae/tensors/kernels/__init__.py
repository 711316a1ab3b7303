"""Triton kernels: one program a row, the row in registers."""
