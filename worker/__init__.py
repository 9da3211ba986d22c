"""The worker: warms models for the tasks; `worker.celery` holds the Celery app."""
