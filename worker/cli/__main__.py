"""`python -m worker.cli` is `ollama-warmup`, for processes that start one."""

from worker.cli import main

main()
