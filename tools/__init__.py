"""What an agent may call: one file a tool, each known to every protocol through the catalogue."""
