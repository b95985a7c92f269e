"""Loop for Python agents: every tool call decided before it runs.

`Loop` asks a running server. `loop_governance.langchain` and `loop_governance.openai_agents` put it before the tools of
these frameworks. Without an answer nothing runs.
"""

from .client import Blocked, Loop, NotAllowed, Pending, Undecided

__all__ = ["Blocked", "Loop", "NotAllowed", "Pending", "Undecided"]
