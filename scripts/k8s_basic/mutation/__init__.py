"""Mutants: examples with one field changed, which the live tests must notice."""
