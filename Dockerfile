# The image of worker and Flower. Python stays as the base ships it: the virtual
# environment is built in one stage and copied to another that has neither uv nor
# sources.
FROM python:3.11-slim-bookworm AS build

RUN python -m venv /uv && /uv/bin/pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/ollama-warmup \
    UV_PYTHON_DOWNLOADS=never

WORKDIR /build
COPY pyproject.toml uv.lock ./
RUN /uv/bin/uv sync --locked --no-dev --no-install-project
COPY README.md LICENSE celeryconfig.py ./
COPY ollama_warmup ollama_warmup
COPY tasks tasks
COPY worker worker
RUN /uv/bin/uv sync --locked --no-dev --no-editable

FROM python:3.11-slim-bookworm

RUN groupadd --system --gid 10001 warmup \
    && useradd --system --uid 10001 --gid warmup --no-create-home warmup
COPY --from=build /opt/ollama-warmup /opt/ollama-warmup

# SIGTERM shall let a load finish for 20 s and then give its task back; Celery's own
# answer to it waits for the load without bound.
ENV PATH=/opt/ollama-warmup/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REMAP_SIGTERM=SIGQUIT

USER warmup
# Empty: with sources here, `celery -A worker` would import them and not the wheel.
WORKDIR /srv
CMD ["celery", "-A", "worker", "worker", "--loglevel=INFO"]
