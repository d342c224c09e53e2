"""Import and export: records and entries from and to files, without storage or protocol."""
