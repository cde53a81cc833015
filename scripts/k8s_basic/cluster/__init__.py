"""A real kind cluster, from a container registry or from package registries alone.

The maker of the cluster knows nothing of lessons; lessons know nothing of how it was made.
"""
