"""Starts warming when Django is ready."""

from django.apps import AppConfig

from ollama_warmup import start_in_background


class ChatConfig(AppConfig):
    """The application."""

    name = "chat"

    def ready(self) -> None:
        """Start warming.

        Autoreload calls this twice, and other commands of manage.py call it too:
        neither does harm, as what is warm already costs one look.
        """
        start_in_background()
