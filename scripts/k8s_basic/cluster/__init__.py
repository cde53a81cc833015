"""One kind cluster: made, waited for, kept or deleted, from a registry's images or from packages.

It knows nothing of lessons, and lessons know nothing of how it was made.
"""
