"""Data sets in Parquet, WebDataset and HDF5 files, for ganzoo."""
