"""kind, kubectl and a node image from package registries alone: Debian's, PyPI's and Go's.

This is all that others ask of it:

- `engine.ensure()` returns a Docker engine that answers, one of our own where the machine has none;
- `programs.build(kube, ("kubectl", "kind"))` returns the folders of kubectl and kind;
- `image.ensure(engine, kube)` returns the name of a node image in that engine.

Each makes what is not in the cache yet, and raises ClusterError in a sentence when it can't. How Go
and Debian's packages are had is nobody else's business, and no other room is known here.
"""
