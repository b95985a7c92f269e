"""Tools of the OpenAI Agents SDK, decided before they run.

    agent = Agent(name="billing", tools=governed([search, pay], Loop(agent="billing-bot")))

A refusal becomes the tool's answer to the model. Tools that OpenAI runs itself cannot be decided here and are refused.

The SDK's own approvals (`needs_approval`) go together with this: a call is decided after a person agreed there, right before
it runs. With `ToolExecutionConfig(pre_approval_tool_input_guardrails=True)` it would be decided once more before, and an
approval of Loop's would be used up by a call that does not run yet, so a run with that option is an error.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Any

from agents import FunctionTool, ToolGuardrailFunctionOutput, ToolInputGuardrail, ToolInputGuardrailData, UserError

from .client import Loop, NotAllowed


def guardrail(loop: Loop) -> ToolInputGuardrail:
    """A guardrail for `function_tool(tool_input_guardrails=[…])`. Put it last: what others refuse need not be asked."""
    return _guardrail(loop, needs_approval=True)


def _guardrail(loop: Loop, *, needs_approval: bool) -> ToolInputGuardrail:
    async def decide(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        call = data.context
        if needs_approval and _is_asked_twice(call):
            raise UserError(
                f"Loop decides `{call.tool_name}` right before it runs: leave `pre_approval_tool_input_guardrails` off"
            )
        try:
            await asyncio.to_thread(loop.check_json, call.tool_name, call.tool_arguments or "{}")
        except NotAllowed as refusal:
            return ToolGuardrailFunctionOutput.reject_content(str(refusal))
        return ToolGuardrailFunctionOutput.allow()

    return ToolInputGuardrail(guardrail_function=decide, name="loop")


def _is_asked_twice(call: Any) -> bool:
    execution = getattr(getattr(call, "run_config", None), "tool_execution", None)
    return getattr(execution, "pre_approval_tool_input_guardrails", False) is True


def governed(tools: Iterable[FunctionTool], loop: Loop) -> list[FunctionTool]:
    """The same tools, each decided before it runs."""
    wrapped = []
    for tool in tools:
        if not isinstance(tool, FunctionTool):
            raise TypeError(f"{tool!r} is no function tool: it runs where nothing can be decided before it")
        before = list(tool.tool_input_guardrails or [])
        last = _guardrail(loop, needs_approval=tool.needs_approval is not False)
        wrapped.append(dataclasses.replace(tool, tool_input_guardrails=[*before, last]))
    return wrapped
