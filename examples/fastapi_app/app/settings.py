"""What the application is told by its environment.

The package reads its own variables, such as OLLAMA_WARMUP_MODELS, by itself.
"""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Names as in the environment."""

    OLLAMA_WARMUP_ENABLED: bool = False  # Set to True to enable
    OLLAMA_MODEL: str = "llama3:8b"


settings = Settings()
