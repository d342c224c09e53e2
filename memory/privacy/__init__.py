"""Keys, redaction and sealing: what keeps private things private."""
