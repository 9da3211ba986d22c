"""One inference as Ollama's JSON: what to send where, and which answer proves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A request for one token, or one vector; it loads the model if need be."""

    model: str
    options: RunnerOptions
    keep_alive_s: float | None
    """None = not sent; `math.inf` = no timer."""
    embed: bool
    prompt: str
    """Sent raw, without the model's template, where there is no sample."""
    sample: Sample | None

    @property
    def path(self) -> str:
        """Where it is sent."""
        if self.embed:
            return "/api/embed"
        is_chat = self.sample is not None and not isinstance(self.sample, str)
        return "/api/chat" if is_chat else "/api/generate"

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        given = self.options.given()
        shift = given.pop("shift", None)
        body: dict[str, Any] = {"model": self.model}
        if self.keep_alive_s is not None:
            body["keep_alive"] = _keep_alive(self.keep_alive_s)
        if self.embed:
            return body | {"input": self._text(), "options": given}
        body |= {} if shift is None else {"shift": shift}
        options = given | {"num_predict": 1}
        return body | self._words() | {"stream": False, "options": options}

    def _words(self) -> dict[str, Any]:
        if self.sample is None:
            return {"prompt": self.prompt, "raw": True}
        if isinstance(self.sample, str):
            return {"prompt": self.sample}
        messages = [{"role": role, "content": text} for role, text in self.sample]
        return {"messages": messages}

    def _text(self) -> str:
        if self.sample is None or isinstance(self.sample, str):
            return self.sample or self.prompt
        return "\n".join(text for _, text in self.sample)

    def is_proven_by(self, answer: Mapping[str, Any]) -> bool:
        """Whether a 200 says that the model has answered, and not that it ended."""
        if self.embed:
            is_there = bool(answer.get("embeddings"))
        else:
            is_there = answer.get("done") is True and bool(answer.get("model"))
        return is_there and "error" not in answer


def _keep_alive(seconds: float) -> float:
    """As a number: Ollama reads a negative one as no timer, and `"-1"` not at all."""
    return -1 if seconds == float("inf") else seconds
