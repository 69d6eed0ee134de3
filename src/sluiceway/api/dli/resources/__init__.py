"""Resources: files of storage under names that jobs can give."""
