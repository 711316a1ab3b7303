"""Facts, not code: data sets, device and technology tables, and their checksums (see data/README.md).

Read them with ``importlib.resources.files("data")``, which works from a checkout and from an installed wheel alike.
"""
