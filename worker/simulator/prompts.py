"""How many tokens a prompt has, and how many its answer may have.

A token is a byte, as in the models of the recording; one more begins the prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.simulator.errors import HttpError, llama_server_error
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import Wanted

_TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; "
    "shorten the prompt, adjust the context length in settings, or use a model with a "
    "longer context length"
)
_ENDLESS = 10**9
"""More tokens than anyone waits for."""

_CONTEXTS = 10
"""So many contexts full of tokens are the most that can be asked for."""

_CONTEXT_STEP = 256
_ASSISTANT = "<|im_start|>assistant\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message of a chat."""

    role: str
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The context that a prompt and its answer share."""

    num_ctx: int
    num_keep: int = 4
    truncates: bool = True
    shifts: bool = True

    @classmethod
    def of(cls, model: Model, wanted: Wanted, *, truncates: bool) -> "Window":
        """The context of the runner that a request gets."""
        return cls(
            num_ctx=min(wanted.options.num_ctx, model.weights.train_context),
            num_keep=wanted.num_keep,
            truncates=truncates,
            shifts=wanted.shift,
        )

    @property
    def size(self) -> int:
        """What llama-server makes of it: a multiple of 256.

        Source: measured; llama.cpp, llama-context.cpp, n_ctx_seq.
        """
        return -(-self.num_ctx // _CONTEXT_STEP) * _CONTEXT_STEP


def prompt_tokens(text: str) -> int:
    """How many tokens a text has: a byte each, and one that begins it.

    Source: the recording, whose two-letter prompts count three.
    """
    return 1 + len(text.encode("utf-8", errors="replace"))


def text_size(text: str, window: Window, *, context: int = 0) -> int:
    """How many tokens of a prompt, after those of an earlier answer, are read.

    (1) A prompt with fewer bytes than the context has tokens is left as it is.
    (2) A longer one is refused if the context may not shift.
    (3) Else its beginning is kept, and as much of its end as leaves half of the
        rest of the context free.

    Raises:
        HttpError: when it is too long.

    Source: `llm/llama_server.go`, completionPromptForRequest and
    contextShiftPromptLimit.
    """
    tokens = prompt_tokens(text) + context
    if not window.truncates or tokens - 1 < window.num_ctx:  # (1)
        return _fitting(tokens, window)
    if not window.shifts:  # (2)
        raise HttpError(400, _TOO_LONG)
    keep = (tokens if window.num_keep < 0 else window.num_keep) + 1
    free = window.num_ctx - min(keep, window.num_ctx - 1)
    return window.num_ctx - max(free // 2, 1)  # (3)


def chat_size(turns: Sequence[Turn], window: Window) -> int:
    """How many tokens of a chat are read.

    The oldest messages but those of the system go until the others fit; the last
    one stays.

    Raises:
        HttpError: when it cannot be rendered or is too long.

    Source: `server/routes.go`, truncateNativeChatMessages.
    """
    kept = turns
    for start in range(len(turns) if window.truncates else 0):
        system = [turn for turn in turns[:start] if turn.role == "system"]
        kept = [*system, *turns[start:]]
        if prompt_tokens(chatml(kept)) <= window.num_ctx:
            break
    return _fitting(prompt_tokens(chatml(kept)), window)


def chatml(turns: Sequence[Turn]) -> str:
    """Render a chat for a model without a chat template of its own.

    A last message of the assistant is one to go on with; an empty one leaves it to
    the model to begin anything.

    Raises:
        HttpError: for two messages to go on with.

    Source: measured; llama.cpp, common/chat.cpp and llama-server's prefill.
    """
    last = turns[-1] if turns and turns[-1].role == "assistant" else None
    whole = turns[:-1] if last else turns
    if last and whole and whole[-1].role == "assistant":
        text = "Cannot have 2 or more assistant messages at the end of the list."
        raise llama_server_error(text)
    told = "".join(f"<|im_start|>{t.role}\n{t.content}<|im_end|>\n" for t in whole)
    if last:
        return told + (_ASSISTANT + last.content if last.content else "")
    return told + _ASSISTANT


def answer_size(
    model: Model, wanted: Wanted, window: Window, *, prompt: int
) -> tuple[int, str]:
    """How many tokens an answer gets, and why it ends.

    (1) A negative or larger number is ten contexts; 0 is no limit.
    (2) A context that may not shift ends it.
    (3) Unlimited, a model may end it by itself.

    Source: `llm/llama_server.go`, boundedNumPredict; llama-server without
    `--context-shift`.
    """
    asked, most = wanted.num_predict, _CONTEXTS * window.num_ctx
    tokens = most if asked < 0 or asked > most else asked or _ENDLESS  # (1)
    if not window.shifts:  # (2)
        tokens = min(tokens, window.size - prompt)
    own = model.weights.answer_tokens
    if asked <= 0 and 0 < own < tokens:  # (3)
        return own, "stop"
    return tokens, "length"


def _fitting(tokens: int, window: Window) -> int:
    """Refuse what llama-server refuses: a prompt that leaves no room at all."""
    if tokens < window.size:
        return tokens
    raise llama_server_error(
        f"request ({tokens} tokens) exceeds the available context size "
        f"({window.size} tokens), try increasing it",
        "exceed_context_size_error",
        n_prompt_tokens=tokens,
        n_ctx=window.size,
    )
