"""Makes an environment have what `solution/` declares: inspect → diff → plan → apply. The environment is the state.

plan = plan_for(client, solution)
print(to_text(plan))
apply(client, plan)
"""

from __future__ import annotations

from d365ext.deploy.apply import ApplyReport, OnProgress, Progress
from d365ext.deploy.change import Change
from d365ext.deploy.deployment import apply, drift, plan_for, plan_uninstall
from d365ext.deploy.plan import Plan, Purpose
from d365ext.deploy.render import to_json, to_text

__all__ = [
    "ApplyReport",
    "Change",
    "OnProgress",
    "Plan",
    "Progress",
    "Purpose",
    "apply",
    "drift",
    "plan_for",
    "plan_uninstall",
    "to_json",
    "to_text",
]
