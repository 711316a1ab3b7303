"""What users import, as names of `hvae`: estimators, runs, images and their distance. Thin over the other folders."""
