"""Tools of the OpenAI Agents SDK, decided before they run.

    agent = Agent(name="billing", tools=governed([search, pay], Loop(agent="billing-bot")))

A refusal becomes the tool's answer to the model. Tools that OpenAI runs itself cannot be decided here and are refused.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable

from agents import FunctionTool, ToolGuardrailFunctionOutput, ToolInputGuardrail, ToolInputGuardrailData

from .client import Loop, NotAllowed


def guardrail(loop: Loop) -> ToolInputGuardrail:
    """A guardrail for `function_tool(tool_input_guardrails=[…])`. Put it last: what others refuse need not be asked."""

    async def decide(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        call = data.context
        try:
            await asyncio.to_thread(loop.check_json, call.tool_name, call.tool_arguments or "{}")
        except NotAllowed as refusal:
            return ToolGuardrailFunctionOutput.reject_content(str(refusal))
        return ToolGuardrailFunctionOutput.allow()

    return ToolInputGuardrail(guardrail_function=decide, name="loop")


def governed(tools: Iterable[FunctionTool], loop: Loop) -> list[FunctionTool]:
    """The same tools, each decided before it runs."""
    wrapped = []
    for tool in tools:
        if not isinstance(tool, FunctionTool):
            raise TypeError(f"{tool!r} is no function tool: it runs where nothing can be decided before it")
        before = list(tool.tool_input_guardrails or [])
        wrapped.append(dataclasses.replace(tool, tool_input_guardrails=[*before, guardrail(loop)]))
    return wrapped
