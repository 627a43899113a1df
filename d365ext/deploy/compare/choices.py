"""Global choices."""

from __future__ import annotations

from d365ext.definitions.solution import Solution
from d365ext.deploy.change import CreateChoice, ModifyChoice, OptionPlace
from d365ext.deploy.compare.options import compare_options
from d365ext.deploy.compare.refusal import Findings, Refusal
from d365ext.deploy.describe import text_changes
from d365ext.deploy.environment import Environment
from d365ext.deploy.removal import DeleteChoice


def compare_choices(solution: Solution, environment: Environment) -> Findings:
    """Compare every global choice that we declare."""
    languages = environment.languages
    for name, choice in solution.choices.items():
        found = environment.choices.get(name)
        if found is None:
            yield CreateChoice(choice)
            continue
        if found.is_managed:
            yield Refusal(f"The choice {name} belongs to a managed solution.")
            continue
        differences = text_changes("label", found.what.label, languages.kept(choice.label))
        differences += text_changes("description", found.what.description, languages.kept(choice.description))
        if differences:
            yield ModifyChoice(choice, tuple(differences))
        yield from compare_options(OptionPlace(choice=name), choice.options, found.what.options, languages)


def stray_choices(solution: Solution, environment: Environment) -> Findings:
    """Find choices with our prefix that we do not declare."""
    for name in environment.choices:
        if name not in solution.choices:
            yield DeleteChoice(name)
