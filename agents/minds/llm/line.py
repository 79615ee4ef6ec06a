"""One request to one model: bounded in time, sent again after passing faults, its answer kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from functools import cache
from typing import TYPE_CHECKING, Any

from evidentia.agents.minds.llm.answers import Answers, Reply
from evidentia.agents.minds.llm.chat import open_chat
from evidentia.agents.minds.llm.faults import Fault, fault_of
from evidentia.agents.minds.llm.keys import key_for, masked
from evidentia.agents.minds.llm.names import ModelName
from evidentia.agents.minds.llm.replies import reply_of
from evidentia.agents.minds.llm.settings import Settings
from evidentia.errors import EvidentiaError, RunInterruptedError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.rate_limiters import BaseRateLimiter
    from tenacity import RetryCallState

Message = dict[str, Any]
"""``{"role": "system" | "user" | "assistant", "content": text or a list of content blocks}``."""
MAX_WAIT = 60.0
LIMITER_POLL = 0.05
"""Seconds between two looks whether the rate allows a request."""
TIMEOUTS = 2
"""A request that ran out of time is sent this often in all: waiting longer is a setting, not a fault that passes."""


class ModelError(EvidentiaError):
    """A model cannot be asked. What the run has done is kept; it can be resumed."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The one event loop of this process, in a thread of its own: a request can be given up there in the middle."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="models", daemon=True).start()
    return loop


class Line:
    """Asks the models of one run. Safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.answers = settings, Answers(settings.answers)
        self._began = time.monotonic()
        self._opened: dict[ModelName, BaseChatModel] = {}
        self._limiter = _limiter(settings)
        self._opening = threading.Lock()
        self._stopping = threading.Event()
        self._sent_now: set[Future[Any]] = set()

    def stop(self) -> None:
        """Give up every request in flight and every wait; nothing is sent any more. Takes no lock, so that a handler of
        signals may call it."""
        self._stopping.set()
        for sent in list(self._sent_now):
            sent.cancel()

    def open(self, model: ModelName) -> BaseChatModel:
        """The chat model, opened once. Raises BadInputError when it cannot be."""
        with self._opening:
            if model not in self._opened:
                self._opened[model] = open_chat(model, self.settings)
            return self._opened[model]

    def ask(self, role: str, model: ModelName, messages: Sequence[Message]) -> Reply:
        """The model's answer, kept from before or asked for now. Raises ModelError when there is none to be had, and
        RunInterruptedError after `stop`."""
        request = {"model": str(model), "messages": list(messages), "tokens": model.tokens}
        kept = self.answers.get(request)
        if kept is not None:
            self.settings.account.add_kept(role, model)
            return kept
        reply = self._sent(model, messages)
        self.settings.account.add(role, model, reply.tokens)
        self.answers.put(request, reply)
        return reply

    def _sent(self, model: ModelName, messages: Sequence[Message]) -> Reply:
        from tenacity import Retrying, stop_after_attempt

        chat, key = self.open(model), key_for(model)
        faults: list[Fault] = []

        def once() -> Reply:
            try:
                return reply_of(self._once(model, chat, messages), lambda text: masked(text, key))
            except EvidentiaError:
                raise
            except Exception as error:
                faults.append(fault_of(error))
                raise

        def again(state: RetryCallState) -> bool:
            if not state.outcome or not state.outcome.failed or isinstance(state.outcome.exception(), EvidentiaError):
                return False
            last = faults[-1]
            patient = last.wait is None or last.wait <= self.settings.longest_wait
            return last.passing and patient and sum(f.timeout for f in faults) < TIMEOUTS

        try:
            return Retrying(
                stop=stop_after_attempt(self.settings.retries + 1),
                retry=again,
                wait=self._wait(faults),
                sleep=self._pause,
                reraise=True,
            )(once)
        except EvidentiaError:
            raise
        except Exception:
            last = faults[-1]
            told = masked(last.words, key)
            if last.wait is not None and last.wait > self.settings.longest_wait:
                told += f"; it asks to wait {last.wait:.0f} seconds"
            after = f" after {len(faults)} attempts" if len(faults) > 1 else ""
            raise ModelError(
                f"{model.label} does not answer{after}: {told}. What is done is kept: go on with `evidentia resume`"
            ) from None

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _once(self, model: ModelName, chat: BaseChatModel, messages: Sequence[Message]) -> Any:
        while self._limiter is not None and not self._limiter.acquire(blocking=False):
            if self._stopping.wait(LIMITER_POLL):
                break
        seconds = self._seconds_left(model)

        async def asked() -> Any:
            from langsmith import tracing_context

            with tracing_context(enabled=False):  # what is sent goes to the model, and nowhere else
                return await asyncio.wait_for(chat.ainvoke(list(messages)), seconds)

        sent = asyncio.run_coroutine_threadsafe(asked(), _loop())
        self._sent_now.add(sent)
        try:
            if self._stopping.is_set():
                sent.cancel()
            return sent.result()
        except CancelledError:
            raise RunInterruptedError("interrupted while a model was asked") from None
        finally:
            self._sent_now.discard(sent)

    def _seconds_left(self, model: ModelName) -> float:
        if self.settings.run_seconds is None:
            return self.settings.request_seconds
        left = self.settings.run_seconds - (time.monotonic() - self._began)
        if left <= 0:
            raise ModelError(
                f"the time for models is spent ({self.settings.run_seconds:g} seconds) before {model.label} was asked; "
                "resume the run with a larger --model-minutes"
            )
        return min(left, self.settings.request_seconds)

    def _wait(self, faults: list[Fault]) -> Callable[[RetryCallState], float]:
        """What the server asks for, else a time that doubles, drawn at random so that many do not come back at once."""
        from tenacity import wait_random_exponential

        backing_off = wait_random_exponential(multiplier=self.settings.first_wait, max=MAX_WAIT)

        def wait(state: RetryCallState) -> float:
            asked = faults[-1].wait
            return asked if asked is not None else float(backing_off(state))

        return wait


def _limiter(settings: Settings) -> BaseRateLimiter | None:
    if settings.requests_per_minute is None:
        return None
    from langchain_core.rate_limiters import InMemoryRateLimiter

    return InMemoryRateLimiter(requests_per_second=settings.requests_per_minute / 60)
