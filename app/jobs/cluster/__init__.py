"""Run jobs on the workers of a Dask cluster: files by hash, results as JSON, one measurement at a time per machine."""
