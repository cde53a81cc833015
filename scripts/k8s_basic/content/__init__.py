"""What pages, examples and tests say of each other, read from their text alone."""
