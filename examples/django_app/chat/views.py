"""One view that warms a model, and one that tells whether users would wait."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from ollama_warmup import readiness, warmup
from ollama_warmup.errors import Permanent, WarmupError


@require_POST
def warm(request: HttpRequest) -> JsonResponse:
    """Have a model warmed, and do not wait for it."""
    try:
        sent = warmup.delay(request.GET.get("model", ""))
    except WarmupError as exc:
        status = 400 if isinstance(exc, Permanent) else 503
        return JsonResponse({"error": str(exc)}, status=status)
    return JsonResponse({"sent": sent.id}, status=202)


@require_GET
async def health(request: HttpRequest) -> JsonResponse:
    """Tell whether users would wait; what is cold is warmed."""
    state = await readiness(request.GET.get("model"))
    return JsonResponse(state.as_json(), status=state.status, headers=state.headers())
