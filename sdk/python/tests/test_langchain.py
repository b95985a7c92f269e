import asyncio
import json
import unittest

try:
    import langchain_core  # noqa: F401
except ImportError:
    raise unittest.SkipTest("langchain-core is not installed") from None

from typing import Annotated

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, Tool, tool

from pydantic import BaseModel, Field, SecretStr

from loop_governance import Blocked, Loop, NotAllowed, Pending, Undecided
from loop_governance.langchain import govern, governed

from .server import ServerTest, nobody

RAN = []


@tool
def wipe(target: str) -> str:
    """Wipe a disk."""
    RAN.append(("wipe", target))
    return "wiped"


@tool
def read_file(path: str) -> str:
    """Read a file."""
    RAN.append(("read_file", path))
    return f"text of {path}"


@tool
def send_payment(to: str, amount: int = 5000, currency: str = "GBP") -> str:
    """Pay somebody."""
    RAN.append(("send_payment", to, amount))
    return "paid"


@tool
async def read_slowly(path: str) -> str:
    """Read a file, asynchronously."""
    RAN.append(("read_slowly", path))
    return "slow text"


class Wipe(BaseTool):
    name: str = "wipe"
    description: str = "Wipe a disk."

    def _run(self, target: str) -> str:
        RAN.append(("class", target))
        return "wiped"


def call(name, **arguments):
    return {"type": "tool_call", "id": "call_1", "name": name, "args": arguments}


class LangChain(ServerTest):
    def setUp(self):
        RAN.clear()
        self.loop = Loop(self.url, self.key, agent="chain")

    def test_an_allowed_tool_runs_as_before_and_stays_what_it_was(self):
        before, after = read_file, govern(read_file, self.loop)
        self.assertEqual(after.invoke({"path": "a"}), "text of a")
        self.assertEqual(after.run("b"), "text of b")
        self.assertEqual(asyncio.run(after.ainvoke({"path": "c"})), "text of c")
        self.assertEqual(after.invoke(call("read_file", path="d")).content, "text of d")
        self.assertIsInstance(after, StructuredTool)
        self.assertEqual((after.name, after.description, after.args), (before.name, before.description, before.args))
        self.assertIs(govern(after, self.loop), after)
        self.assertEqual(asyncio.run(govern(read_slowly, self.loop).ainvoke({"path": "e"})), "slow text")
        self.assertEqual([path for _, path in RAN], ["a", "b", "c", "d", "e"])

    def test_a_blocked_tool_never_runs_whichever_way_it_is_called(self):
        plain = Tool(name="wipe", description="Wipe.", func=lambda target: RAN.append(target))
        for one in governed([wipe, Wipe(), plain], self.loop):
            for run in (
                lambda: one.invoke({"target": "disk"}),
                lambda: one.invoke("disk"),
                lambda: one.run("disk"),
                lambda: asyncio.run(one.ainvoke({"target": "disk"})),
                lambda: asyncio.run(one.arun("disk")),
                lambda: one.batch([{"target": "disk"}]),
            ):
                with self.assertRaises(Blocked):
                    run()
            for answer in (
                one.invoke(call("wipe", target="disk")),
                asyncio.run(one.ainvoke(call("wipe", target="disk"))),
            ):
                self.assertIsInstance(answer, ToolMessage)
                self.assertEqual((answer.status, answer.tool_call_id), ("error", "call_1"))
                self.assertIn("'wipe' is blocked", answer.content)
        self.assertEqual(RAN, [])

    def test_defaults_are_decided_too_and_an_approval_is_for_one_call(self):
        pay = govern(send_payment, self.loop)
        with self.assertRaises(Pending):
            pay.invoke({"to": "acme"})
        self.approve()
        self.assertEqual(pay.invoke({"to": "acme"}), "paid")
        with self.assertRaises(Pending):
            pay.invoke({"to": "acme"})
        self.assertEqual(pay.invoke({"to": "acme", "amount": "10"}), "paid")
        self.assertEqual(RAN, [("send_payment", "acme", 5000), ("send_payment", "acme", 10)])

    def test_what_runs_is_what_was_decided_whatever_changes_meanwhile(self):
        drawn = []

        class Payment(BaseModel):
            to: list[str]
            reference: str = Field(default_factory=lambda: drawn.append(1) or f"r{len(drawn)}")

        ran, decided = [], []

        class Watching(Loop):
            def check_json(self, tool, arguments, **more):
                decided.append(json.loads(arguments))
                super().check_json(tool, arguments, **more)
                # As another thread may do while the answer is on its way.
                recipients.append("mallory")
                nested["account"] = "mallory"

        def record(**arguments):
            ran.append(json.loads(json.dumps(arguments)))

        async def record_later(**arguments):
            record(**arguments)

        loop = Watching(self.url, self.key, agent="chain")
        raw = {"type": "object", "properties": {"to": {"type": "array"}, "of": {"type": "object"}}}
        for schema in (Payment, raw):
            tool = govern(
                StructuredTool(
                    name="note", description="Note.", args_schema=schema, func=record, coroutine=record_later
                ),
                loop,
            )
            for run in (tool.invoke, lambda given: asyncio.run(tool.ainvoke(given))):
                recipients, nested = ["acme"], {"account": "ours"}
                given = {"to": recipients} if schema is Payment else {"to": recipients, "of": nested}
                run(given)
                run(call("note", **given) | {"id": "2"})
                self.assertEqual(ran, decided)
                self.assertEqual(ran[0]["to"], ["acme"])
                ran.clear(), decided.clear()
        self.assertEqual(len(drawn), 4, "a default is drawn once for a call")

    def test_a_text_is_decided_under_the_name_of_its_argument_with_all_defaults(self):
        pay = govern(send_payment, self.loop)
        with self.assertRaises(Pending):
            pay.invoke("acme")
        self.approve()
        self.assertEqual(pay.invoke({"to": "acme", "amount": 5000, "currency": "GBP"}), "paid", "it is the same call")
        seen = []
        watching = type("Watching", (Loop,), {"check_json": lambda self, tool, text: seen.append(json.loads(text))})
        plain = Tool(name="read_file", description="Read.", func=lambda path: path)
        for one in (plain, read_file, read_slowly):
            asyncio.run(govern(one, watching(self.url, self.key)).ainvoke("a"))
        self.assertEqual(seen, [{"tool_input": "a"}, {"path": "a"}, {"path": "a"}])

    def test_wrong_arguments_are_the_tools_own_affair(self):
        strict = govern(send_payment.model_copy(update={"handle_validation_error": "no such payment"}), self.loop)
        for answer in (
            strict.invoke(call("send_payment", amount="many")),
            asyncio.run(strict.ainvoke(call("send_payment", amount="many"))),
        ):
            self.assertEqual((answer.status, answer.content), ("error", "no such payment"))
        with self.assertRaises(ValueError):
            govern(send_payment, self.loop).invoke({"amount": "many"})
        self.assertEqual(RAN, [])

    def test_a_tool_that_is_run_in_its_own_way_is_decided_too(self):
        class Own(BaseTool):
            name: str = "wipe"
            description: str = "Wipe."
            args_schema: type[BaseModel] = send_payment.args_schema

            def _run(self, **arguments):
                raise AssertionError

            def run(self, tool_input, *args, **more):
                RAN.append(tool_input)

            async def arun(self, tool_input, *args, **more):
                RAN.append(tool_input)

        one = govern(Own(), self.loop)
        for given, refusal in (({"to": "disk"}, Blocked), ({"amount": "many"}, Undecided)):
            for run in (one.invoke, lambda given: asyncio.run(one.ainvoke(given))):
                with self.assertRaises(refusal):
                    run(given)
        self.assertEqual(RAN, [])

    def test_a_refusal_inside_of_a_tool_is_not_the_tools_own(self):
        inner = govern(wipe, self.loop)

        @tool
        def tidy(target: str) -> str:
            """Tidy up."""
            return inner.invoke({"target": target})

        outer = govern(tidy, self.loop)
        for run in (outer.invoke, lambda given: asyncio.run(outer.ainvoke(given))):
            with self.assertRaises(Blocked):
                run(call("tidy", target="disk"))
        self.assertEqual(RAN, [])

    def test_injected_arguments_are_neither_shown_nor_in_the_way(self):
        @tool
        def secretive(path: str, session: Annotated[object, InjectedToolArg]) -> str:
            """Read with a session."""
            return f"{path} {type(session).__name__}"

        self.assertEqual(govern(secretive, self.loop).invoke({"path": "a", "session": object()}), "a object")

    def test_whatever_a_model_may_say_is_decided_and_bound(self):
        ran = []

        @tool
        def send_payment(amount: int, account: Annotated[str, InjectedToolArg] = "own") -> str:
            """Pay somebody."""
            ran.append((amount, account))
            return "paid"

        schema = {"type": "object", "properties": {"amount": {"type": "integer"}, "callbacks": {"type": "string"}}}
        take = lambda amount, callbacks="": ran.append((amount, callbacks))  # noqa: E731
        other = StructuredTool(name="send_payment", description="Pay.", args_schema=schema, func=take)
        for one, name in ((send_payment, "account"), (other, "callbacks")):
            ran.clear()
            pay = govern(one, self.loop)
            with self.assertRaises(Pending):
                pay.invoke({"amount": 5000, name: "mine"})
            self.approve()
            with self.assertRaises(Pending):
                pay.invoke({"amount": 5000, name: "theirs"})
            self.assertEqual(ran, [])
            pay.invoke({"amount": 5000, name: "mine"})
            self.assertEqual(len(ran), 1)

    def test_what_a_model_hides_in_its_dump_is_bound_all_the_same(self):
        class Card(BaseModel):
            number: SecretStr
            owner: str = Field(exclude=True)

        @tool
        def send_payment(amount: int, card: Card) -> str:
            """Pay with a card."""
            RAN.append(card.owner)
            return "paid"

        pay = govern(send_payment, self.loop)
        of = lambda number, owner: {"amount": 5000, "card": {"number": number, "owner": owner}}  # noqa: E731
        with self.assertRaises(Pending):
            pay.invoke(of("1", "me"))
        self.approve()
        for other in (of("2", "me"), of("1", "you")):
            with self.assertRaises(Pending):
                pay.invoke(other)
        self.assertEqual(pay.invoke(of("1", "me")), "paid")

    def test_without_a_decision_nothing_runs(self):
        for one in governed([read_file, read_slowly], Loop(nobody(), self.key)):
            with self.assertRaises(Undecided):
                asyncio.run(one.ainvoke({"path": "a"}))
            message = asyncio.run(one.ainvoke(call(one.name, path="a")))
            self.assertEqual(message.status, "error")
        with self.assertRaises(NotAllowed):
            govern(read_file, Loop(nobody(), self.key)).invoke({"path": "a"})
        with self.assertRaises(TypeError):
            govern(lambda: None, self.loop)
        self.assertEqual(RAN, [])

    def test_a_graph_goes_on_with_the_refusal(self):
        try:
            from langgraph.graph import END, START, MessagesState, StateGraph
            from langgraph.prebuilt import InjectedState, ToolNode
        except ImportError:
            self.skipTest("langgraph is not installed")

        @tool
        def count(path: str, state: Annotated[dict, InjectedState]) -> str:
            """Count the messages."""
            return str(len(state["messages"]))

        graph = StateGraph(MessagesState)
        graph.add_node("tools", ToolNode(governed([wipe, read_file, count], self.loop)))
        graph.add_edge(START, "tools")
        graph.add_edge("tools", END)
        calls = [{**call("wipe", target="disk"), "id": "1"}, {**call("read_file", path="a"), "id": "2"}]
        calls.append({**call("count", path="a"), "id": "3"})
        state = graph.compile().invoke({"messages": [AIMessage(content="", tool_calls=calls)]})
        refused, answered, counted = state["messages"][-3:]
        self.assertEqual(counted.content, "1")
        self.assertEqual((refused.status, refused.tool_call_id), ("error", "1"))
        self.assertEqual((answered.status, answered.content), ("success", "text of a"))
        self.assertEqual(RAN, [("read_file", "a")])
