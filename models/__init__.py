"""What the pipeline knows: the types of the path, the OCSF codec, uids and errors."""
