"""What an application and the worker must agree on: requests, names, errors.

Imports nothing of `worker` or `tasks`.
"""
