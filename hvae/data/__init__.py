"""Images: data sets, their files, and how a run reduces them."""
