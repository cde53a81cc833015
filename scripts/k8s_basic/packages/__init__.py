"""A cluster from package registries alone: Debian's, PyPI and a Go module proxy.

This is all that others ask of it:

- `engine.ensure()` returns a Docker engine that answers, its own where the machine has none;
- `programs.build(kube, ("kube", "kind"))` returns the folders of kubectl and kind;
- `image.ensure(engine, kube)` returns the name of a node image in that engine.

Each makes what is not in the cache yet, and raises ClusterError in a sentence when it can't.
"""
