"""The HTTP API: a blueprint per kind of resource, and the models of its JSON."""
