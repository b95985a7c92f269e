"""Tools of LangChain and LangGraph, decided before they run.

    tools = governed([search, pay], Loop(agent="billing-bot"))
    agent = create_react_agent(model, tools)   # or create_agent(model, tools), or ToolNode(tools)

What is decided are the validated arguments, defaults included and injected ones left out. A refusal becomes the tool's
answer to the model; outside of a tool call it is raised.
"""

from __future__ import annotations

import asyncio
import datetime
import decimal
import enum
import json
import uuid
from collections.abc import Iterable
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from .client import Loop, NotAllowed, Undecided


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
    copy = tool.model_copy()
    # Every way to run a tool ends in `run` or `arun`, and neither calls the other.
    copy.__class__ = type(kind.__name__, (_Governed, kind), {"__module__": kind.__module__})
    object.__setattr__(copy, "_loop_governance", loop)
    return copy


class _Governed:
    def run(self, tool_input: Any, *args: Any, tool_call_id: str | None = None, **kwargs: Any) -> Any:
        try:
            self._loop_governance.check_json(self.name, _arguments(self, tool_input, tool_call_id))
        except NotAllowed as refusal:
            return _refuse(self, refusal, tool_call_id)
        return super().run(tool_input, *args, tool_call_id=tool_call_id, **kwargs)

    async def arun(self, tool_input: Any, *args: Any, tool_call_id: str | None = None, **kwargs: Any) -> Any:
        try:
            arguments = _arguments(self, tool_input, tool_call_id)
            await asyncio.to_thread(self._loop_governance.check_json, self.name, arguments)
        except NotAllowed as refusal:
            return _refuse(self, refusal, tool_call_id)
        return await super().arun(tool_input, *args, tool_call_id=tool_call_id, **kwargs)


def _refuse(tool: Any, refusal: NotAllowed, tool_call_id: str | None) -> ToolMessage:
    if tool_call_id is None:
        raise refusal
    return ToolMessage(content=str(refusal), name=tool.name, tool_call_id=tool_call_id, status="error")


def _arguments(tool: Any, tool_input: Any, tool_call_id: str | None) -> str:
    try:
        positional, named = tool._to_args_and_kwargs(tool_input, tool_call_id)
        named = tool._filter_injected_args(named)
        if positional:
            named = {**named, "input": positional[0] if len(positional) == 1 else list(positional)}
        return json.dumps(named, default=_plain, allow_nan=False)
    except Exception as error:
        raise Undecided(f"the arguments of `{tool.name}` cannot be read, so it is not run: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    raise TypeError(f"`{type(value).__name__}` cannot be decided")
