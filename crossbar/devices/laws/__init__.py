"""Update laws of analog memories: what one pulse does to one device, one law a file."""
