"""Adapters to the libraries that RAG is written with. Each is imported by its name, and needs its library:
`pip install vetted[langchain]` for `vetted.integrations.langchain`."""
