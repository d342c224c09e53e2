"""From text to terms: what the word index sees."""
