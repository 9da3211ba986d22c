"""The web service: health routes, the status page and what it reads, metrics.

Reads Redis alone and never contacts an Ollama: what is asked for goes to the worker
as a task. `worker.web.serving` starts it, for `ollama-warmup web`.
"""
