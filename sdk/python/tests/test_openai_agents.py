import asyncio
import unittest

try:
    import agents  # noqa: F401
except ImportError:
    raise unittest.SkipTest("openai-agents is not installed") from None

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, UserError, WebSearchTool, function_tool
from agents.run_config import ToolExecutionConfig
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from loop_governance import Loop
from loop_governance.openai_agents import governed

from .server import ServerTest, nobody

RAN = []


@function_tool
def wipe(target: str) -> str:
    """Wipe a disk."""
    RAN.append(("wipe", target))
    return "wiped"


@function_tool
def read_file(path: str) -> str:
    """Read a file."""
    RAN.append(("read_file", path))
    return f"text of {path}"


@function_tool
async def send_payment(to: str, amount: int, currency: str) -> str:
    """Pay somebody."""
    RAN.append(("send_payment", to, amount))
    return "paid"


class Script(Model):
    """A model that calls one tool and then tells what the tool said."""

    def __init__(self, name, arguments):
        self.call = ResponseFunctionToolCall(
            type="function_call", id="fc_1", call_id="call_1", name=name, arguments=arguments
        )

    async def get_response(self, system_instructions, input, *args, **kwargs):
        outputs = [item["output"] for item in input if isinstance(item, dict) and item.get("type") == "function_call_output"]
        if not outputs:
            return ModelResponse(output=[self.call], usage=Usage(), response_id=None)
        text = ResponseOutputText(type="output_text", text=str(outputs[-1]), annotations=[])
        message = ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


class OpenAiAgents(ServerTest):
    def setUp(self):
        RAN.clear()
        self.loop = Loop(self.url, self.key, agent="agents-sdk")

    def said(self, name, arguments, loop=None):
        """What the model is told, after it called a tool."""
        tools = governed([wipe, read_file, send_payment], loop or self.loop)
        agent = Agent(name="a", model=Script(name, arguments), tools=tools)
        result = asyncio.run(Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True)))
        return str(result.final_output)

    def test_an_allowed_tool_runs(self):
        self.assertEqual(self.said("read_file", '{"path":"a"}'), "text of a")
        self.assertEqual(RAN, [("read_file", "a")])

    def test_a_blocked_tool_never_runs(self):
        self.assertIn("'wipe' is blocked", self.said("wipe", '{"target":"disk"}'))
        self.assertEqual(RAN, [])

    def test_what_is_approved_passes_once(self):
        pay = '{"to":"acme","amount":5000,"currency":"GBP"}'
        self.assertIn("Loop asks a human", self.said("send_payment", pay))
        self.approve()
        self.assertEqual(self.said("send_payment", pay), "paid")
        self.assertIn("Loop asks a human", self.said("send_payment", pay))
        self.assertEqual(RAN, [("send_payment", "acme", 5000)])

    def test_an_approval_of_the_sdk_comes_first_and_uses_up_none_of_loops(self):
        @function_tool(needs_approval=True)
        async def send_payment(to: str, amount: int, currency: str) -> str:
            """Pay somebody."""
            RAN.append(("send_payment", to, amount))
            return "paid"

        pay = '{"to":"umbrella","amount":7000,"currency":"GBP"}'

        async def run(**more):
            agent = Agent(name="a", model=Script("send_payment", pay), tools=governed([send_payment, read_file], self.loop))
            config = RunConfig(tracing_disabled=True, tool_execution=ToolExecutionConfig(**more))
            result = await Runner.run(agent, "go", run_config=config)
            state = result.to_state()
            for interruption in result.interruptions:
                state.approve(interruption)
            return str((await Runner.run(agent, state, run_config=config)).final_output)

        self.assertIn("Loop asks a human", asyncio.run(run()))
        self.approve()
        with self.assertRaises(UserError):
            asyncio.run(run(pre_approval_tool_input_guardrails=True))
        self.assertEqual(RAN, [])
        self.assertEqual(asyncio.run(run()), "paid", "the approval is still there")
        self.assertEqual(RAN, [("send_payment", "umbrella", 7000)])
        # A tool that nobody is asked about is decided once, whatever the option says.
        config = RunConfig(
            tracing_disabled=True, tool_execution=ToolExecutionConfig(pre_approval_tool_input_guardrails=True)
        )
        agent = Agent(name="a", model=Script("read_file", '{"path":"a"}'), tools=governed([read_file], self.loop))
        result = asyncio.run(Runner.run(agent, "go", run_config=config))
        self.assertEqual(result.final_output, "text of a")

    def test_without_a_decision_nothing_runs(self):
        self.assertIn("not run", self.said("read_file", '{"path":"a"}', Loop(nobody(), self.key)))
        self.assertEqual(RAN, [])

    def test_tools_that_run_elsewhere_are_refused(self):
        with self.assertRaises(TypeError):
            governed([WebSearchTool()], self.loop)
        first = governed([read_file], self.loop)[0]
        self.assertEqual(len(first.tool_input_guardrails), 1)
        self.assertFalse(read_file.tool_input_guardrails, "the tool itself is left as it was")
