"""The commands of the console script, one module a command or two; each is loaded when called."""
