"""The backends, one package a technology; each fulfils one or more ports and knows no other."""
