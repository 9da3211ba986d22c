"""Answers that are errors."""


class HttpError(Exception):
    """An error that ends a request; `extra` fields join the text in the body."""

    def __init__(self, status: int, text: str, **extra: str) -> None:
        """Remember what to answer."""
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.extra = extra
