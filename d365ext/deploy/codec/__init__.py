"""Our definitions ⇄ the Web API's JSON. Pure; `to_x` and `from_x`, one module for each concern."""
