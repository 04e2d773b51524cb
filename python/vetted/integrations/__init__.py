"""Adapters to the libraries that RAG is written with. Each is imported by its name, and needs its library, which the extra of that
name brings."""
