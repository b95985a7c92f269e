"""Tools of LangChain and LangGraph, decided before they run.

    tools = governed([search, pay], Loop(agent="billing-bot"))
    agent = create_react_agent(model, tools)   # or create_agent(model, tools), or ToolNode(tools)

What is decided are the validated arguments, defaults included, and the tool is run with these very values; only what the
framework itself hands in (the state, the store, the runtime, the id of the call) is left out. A refusal becomes the tool's
answer to the model; outside of a tool call it is raised.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
import datetime
import decimal
import enum
import importlib
import json
import pathlib
import typing
import uuid
from collections.abc import Iterable
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, Tool
from langchain_core.tools.base import get_all_basemodel_annotations
from langchain_core.utils.pydantic import get_fields
from pydantic import AnyUrl, BaseModel, SecretBytes, SecretStr

from .client import Loop, NotAllowed, Undecided

# What the framework sets by itself, as far as it is installed.
_HANDED_IN: tuple[type, ...] = (InjectedToolCallId,)
for _module, _name in (
    ("langchain_core.tools.base", "_DirectlyInjectedToolArg"),
    ("langgraph.prebuilt", "InjectedState"),
    ("langgraph.prebuilt", "InjectedStore"),
    ("langgraph.prebuilt", "ToolRuntime"),
):
    try:
        _HANDED_IN += (getattr(importlib.import_module(_module), _name),)
    except (ImportError, AttributeError):
        pass


def governed(tools: Iterable[BaseTool], loop: Loop) -> list[BaseTool]:
    """The same tools, each decided before it runs."""
    return [govern(tool, loop) for tool in tools]


def govern(tool: BaseTool, loop: Loop) -> BaseTool:
    """The same tool (its name, its schema, its class), decided before it runs."""
    if not isinstance(tool, BaseTool):
        raise TypeError(f"{tool!r} is no LangChain tool: wrap it with `@tool` first")
    if isinstance(tool, _Governed):
        return tool
    kind = type(tool)
    wrapped = tool.model_copy()
    # Every way to run a tool ends in `run` or `arun`, and neither calls the other.
    wrapped.__class__ = type(kind.__name__, (_Governed, kind), {"__module__": kind.__module__})
    object.__setattr__(wrapped, "_loop_governance", loop)
    return wrapped


class _Governed:
    # INVARIANT: a call is decided before the tool's own `run` begins, and `_to_args_and_kwargs`, which says what a tool is
    # run with, answers what was decided.

    def run(self, tool_input: Any, *args: Any, tool_call_id: str | None = None, **kwargs: Any) -> Any:
        decided = _Decided(self, BaseTool.run)
        token = _DECIDED.set(decided)
        try:
            if arguments := decided.read(tool_input, tool_call_id, super()):
                _check(self, arguments)
            return super().run(tool_input, *args, tool_call_id=tool_call_id, **kwargs)
        except NotAllowed as refusal:
            return _refuse(self, refusal, tool_call_id)
        finally:
            _DECIDED.reset(token)

    async def arun(self, tool_input: Any, *args: Any, tool_call_id: str | None = None, **kwargs: Any) -> Any:
        decided = _Decided(self, BaseTool.arun)
        token = _DECIDED.set(decided)
        try:
            if arguments := decided.read(tool_input, tool_call_id, super()):
                # Waiting for the server must not hold up the loop.
                await asyncio.to_thread(_check, self, arguments)
            return await super().arun(tool_input, *args, tool_call_id=tool_call_id, **kwargs)
        except NotAllowed as refusal:
            return _refuse(self, refusal, tool_call_id)
        finally:
            _DECIDED.reset(token)

    def _to_args_and_kwargs(self, tool_input: Any, tool_call_id: str | None = None) -> tuple[tuple[Any, ...], dict]:
        decided = _DECIDED.get()
        if decided is not None and decided.tool is self and decided.outcome is not None:
            return decided.take()
        ready, arguments = _read(self, tool_input, tool_call_id, super())
        _check(self, arguments)
        return ready


class _Decided:
    """What one run is going to be made with, or why it cannot. It is taken once."""

    def __init__(self, tool: Any, usual: Any):
        self.tool = tool
        self.outcome: Any = None
        # Whether the tool is run the way that LangChain's own are.
        self.usual = getattr(super(_Governed, type(tool)), usual.__name__) is usual

    def read(self, tool_input: Any, tool_call_id: str | None, plain: Any) -> str | None:
        """The arguments as JSON; `None` for a call that the tool itself is going to refuse."""
        try:
            self.outcome, arguments = _read(self.tool, tool_input, tool_call_id, plain)
            return arguments
        except NotAllowed:
            raise
        except Exception as error:
            if not self.usual:
                raise _undecided(self.tool, error) from error
            self.outcome = error
            return None

    def take(self) -> tuple[tuple[Any, ...], dict]:
        outcome, self.outcome = self.outcome, None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


_DECIDED: contextvars.ContextVar[_Decided | None] = contextvars.ContextVar("loop_governance_decided", default=None)


def _check(tool: Any, arguments: str) -> None:
    try:
        tool._loop_governance.check_json(tool.name, arguments)
    except NotAllowed as refusal:
        refusal.of = tool
        raise


def _refuse(tool: Any, refusal: NotAllowed, tool_call_id: str | None) -> ToolMessage:
    # Another tool's refusal, inside of this one, is an error like any other of this one's.
    if tool_call_id is None or refusal.of is not tool:
        raise refusal
    return ToolMessage(content=str(refusal), name=tool.name, tool_call_id=tool_call_id, status="error")


def _read(tool: Any, tool_input: Any, tool_call_id: str | None, plain: Any) -> tuple[tuple[tuple, dict], str]:
    """What the tool is going to be run with, and the same as JSON. Nobody else holds a part of it: it cannot change
    after it was decided."""
    tool_input = _by_name(tool, tool_input)
    positional, named = plain._to_args_and_kwargs(tool_input, tool_call_id)
    try:
        positional, said = copy.deepcopy((positional, _of_the_model(tool, tool_input, named)))
        shown = said
        if positional:
            # A tool of one text takes it without a name.
            one = positional[0] if len(positional) == 1 else list(positional)
            shown = {**said, next(iter(tool.args), "input"): one}
        return (positional, named | said), json.dumps(shown, default=_plain, allow_nan=False)
    except Exception as error:
        raise _undecided(tool, error) from error


def _undecided(tool: Any, error: Exception) -> Undecided:
    refusal = Undecided(f"the arguments of `{tool.name}` cannot be read, so it is not run: {error}")
    refusal.of = tool
    return refusal


def _by_name(tool: Any, tool_input: Any) -> Any:
    """A text stands for the first argument. Given by its name, the defaults of the others are decided as well."""
    schema = tool.args_schema
    if not isinstance(tool_input, str) or isinstance(tool, Tool) or not isinstance(schema, type):
        return tool_input
    first = next(iter(get_fields(schema)), None)
    return tool_input if first is None else {first: tool_input}


def _of_the_model(tool: Any, tool_input: Any, named: dict[str, Any]) -> dict[str, Any]:
    """What the model may have said. LangChain counts more as injected than what it sets itself: that is left out only
    when it is nothing a model could say."""
    handed_in, plain = _handed_in(tool), tool._filter_injected_args(named)
    given = tool_input if isinstance(tool_input, dict) else {}
    said = lambda name: name in plain or (name in given and _is_json(given[name]))  # noqa: E731
    return {name: value for name, value in named.items() if name not in handed_in and said(name)}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _handed_in(tool: Any) -> set[str]:
    """The arguments that the framework sets, whatever the model says."""
    annotations: dict[str, Any] = {}
    for function in (getattr(tool, "func", None), getattr(tool, "coroutine", None), tool._run):
        try:
            annotations |= typing.get_type_hints(function, include_extras=True)
        except (NameError, TypeError):
            # No function, or one whose annotations name what only its author knows: the schema tells.
            pass
    schema = tool.args_schema
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        annotations |= get_all_basemodel_annotations(schema)
    return {name for name, annotation in annotations.items() if _is_handed_in(annotation)}


def _is_handed_in(annotation: Any) -> bool:
    marks = (annotation, typing.get_origin(annotation), *getattr(annotation, "__metadata__", ()))
    kinds = (mark if isinstance(mark, type) else type(mark) for mark in marks)
    return any(issubclass(kind, _HANDED_IN) for kind in kinds)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        # What a model leaves out of its own dump, or masks there, is handed to the tool all the same.
        return dict(value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode()
    if isinstance(value, (AnyUrl, pathlib.PurePath)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    raise TypeError(f"`{type(value).__name__}` cannot be decided")
