"""Django's settings, the fewest; ollama-warmup reads the environment by itself."""

from django.core.management.utils import get_random_secret_key

SECRET_KEY = get_random_secret_key()
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["chat.apps.ChatConfig"]
ROOT_URLCONF = "config.urls"
LOGGING = {
    "version": 1,
    "formatters": {"plain": {"format": "%(levelname)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"ollama_warmup": {"handlers": ["console"], "level": "INFO"}},
}
