"""The scripts that a form loads and the functions that it calls.

To give a form back as it was, one must know what of the elements around a handler was there before it. That is kept in
the handler's own id, which is made of a name that says it: each of `events`, `event` and `Handlers` was there, was
there and empty (`<events/>`), or was made by us.

Source: learn.microsoft.com/power-apps/developer/model-driven-apps/form-xml-schema (FormXmlLibraryType,
FormXmlEventsType, FormXmlHandlerType: functionName, libraryName, handlerUniqueId).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from xml.sax.saxutils import quoteattr

from d365ext.definitions.forms import FormAddition, Handler
from d365ext.definitions.splice import Node, Splice, after, inside, without
from d365ext.deploy.forms.build import FormPlace
from d365ext.deploy.forms.identity import part_id

_WAS_THERE, _WAS_EMPTY, _MADE = "there", "empty", "made"
_STATES = (_MADE, _WAS_EMPTY, _WAS_THERE)


def script_splices(
    splices: list[Splice], details: list[str], root: Node, place: FormPlace, additions: Sequence[FormAddition]
) -> None:
    """Load the scripts that handlers need and call the handlers; forget ours that nobody declares any more."""
    wanted = list(dict.fromkeys(handler for addition in additions for handler in addition.handlers))
    scripts = list(dict.fromkeys(script for addition in additions for script in addition.scripts))
    _libraries(splices, details, root, place, scripts)
    _handlers(splices, details, root, place, wanted)


def script_removals(splices: list[Splice], details: list[str], root: Node, place: FormPlace) -> None:
    """Take out our scripts and handlers, and what was made around them."""
    container = root.child("formLibraries")
    if container:
        ours = [(node, state) for node in container.children if (state := _library_state(place, node))]
        _remove(splices, container, [node for node, _ in ours], {state for _, state in ours})
        details += [f"- script {node.get('name')}" for node, _ in ours]
    events = root.child("events")
    if events:
        _remove_handlers(splices, details, events, place)


# ---------------------------------------------------------------- libraries


def _libraries(splices: list[Splice], details: list[str], root: Node, place: FormPlace, scripts: Sequence[str]) -> None:
    container = root.child("formLibraries")
    there = {node.get("name") for node in container.children} if container else set()
    needed = [place.solution.scripts[key].name for key in scripts]
    missing = [name for name in needed if name not in there]
    ours = {
        node.get("name"): (node, state)
        for node in (container.children if container else ())
        if (state := _library_state(place, node))
    }
    for name, (node, _) in ours.items():
        if name not in needed:
            splices.append(without(node))
            details.append(f"- script {name}")
    if missing:
        state = _strongest([_state(container), *(state for _, state in ours.values())])
        text = "".join(
            f"<Library name={quoteattr(name)} libraryUniqueId={quoteattr(_library_id(place, name, state))}/>"
            for name in missing
        )
        splices.append(
            inside(container, text)
            if container
            else after(_last_of_head(root), f"<formLibraries>{text}</formLibraries>")
        )
        details += [f"+ script {name}" for name in missing]


def _library_id(place: FormPlace, name: str, state: str) -> str:
    return part_id(place.form_id, "library", name, state)


def _library_state(place: FormPlace, node: Node) -> str | None:
    """Tell from the id of a library whether it is ours, and what of its container was there before it."""
    for state in _STATES:
        if node.get("libraryUniqueId").lower() == _library_id(place, node.get("name"), state):
            return state
    return None


def _last_of_head(root: Node) -> Node:
    """Find the element after which events and libraries stand in a form."""
    heads = [node for node in root.children if node.tag in ("tabs", "header", "footer", "events")]
    return heads[-1]


def _state(container: Node | None) -> str:
    if container is None:
        return _MADE
    return _WAS_EMPTY if container.is_self_closed else _WAS_THERE


def _strongest(states: Iterable[str]) -> str:
    """Give what is to be undone last: what an earlier one of ours had to make is ours to take away with the last."""
    return min(states, key=_STATES.index)


# ---------------------------------------------------------------- handlers


def _handlers(
    splices: list[Splice], details: list[str], root: Node, place: FormPlace, wanted: Sequence[Handler]
) -> None:
    events = root.child("events")
    new_events: list[str] = []
    for key in dict.fromkeys((handler.event, handler.column or "") for handler in wanted):
        event = _event(events, *key)
        into = event.child("Handlers") if event else None
        there = {(node.get("libraryName"), node.get("functionName")): node for node in (into.children if into else ())}
        states = _states_now(place, events, event, into)
        texts: list[str] = []
        for handler in wanted:
            if (handler.event, handler.column or "") != key:
                continue
            library = place.solution.scripts[handler.script].name
            old = there.get((library, handler.function))
            if old is None:
                texts.append(_handler(place, handler, library, states))
                details.append(f"+ {_named(handler)}")
            elif (old.get("enabled"), old.get("passExecutionContext")) != ("true", "true"):
                splices.append(Splice(old.start, old.end, _handler_text(handler, library, old.get("handlerUniqueId"))))
                details.append(f"~ {_named(handler)} is enabled")
        if texts:
            _put_handlers(splices, new_events, (event, into), key, "".join(texts))
    if new_events:
        text = "".join(new_events)
        splices.append(inside(events, text) if events else after(_before_libraries(root), f"<events>{text}</events>"))
    _drop_stale(splices, details, events, place, wanted)


def _states_now(place: FormPlace, events: Node | None, event: Node | None, into: Node | None) -> tuple[str, str, str]:
    """Say what of the elements around a new handler was there before any of ours."""
    ours = list(_ours(events, place)) if events else []
    here = [states for each, _, _, states in ours if each is event]
    return (
        _strongest([_state(events), *(states[0] for *_, states in ours)]),
        _strongest([_state(event), *(states[1] for states in here)]),
        _strongest([_state(into), *(states[2] for states in here)]),
    )


def _put_handlers(
    splices: list[Splice],
    new_events: list[str],
    found: tuple[Node | None, Node | None],
    key: tuple[str, str],
    text: str,
) -> None:
    event, into = found
    if into is not None:
        splices.append(inside(into, text))
    elif event is not None:
        splices.append(inside(event, f"<Handlers>{text}</Handlers>"))
    else:
        attribute = f" attribute={quoteattr(key[1])}" if key[1] else ""
        head = f'<event name="{key[0]}" application="false" active="false"{attribute}>'
        new_events.append(f"{head}<Handlers>{text}</Handlers></event>")


def _before_libraries(root: Node) -> Node:
    heads = [node for node in root.children if node.tag in ("tabs", "header", "footer")]
    return heads[-1]


def _event(events: Node | None, name: str, column: str) -> Node | None:
    for node in events.children if events else ():
        if node.get("name") == name and node.get("attribute") == column and not node.get("control"):
            return node
    return None


def _handler(place: FormPlace, handler: Handler, library: str, states: Sequence[str]) -> str:
    return _handler_text(handler, library, _handler_id(place, library, handler.function, _key_of(handler), states))


def _key_of(handler: Handler) -> str:
    return f"{handler.event}:{handler.column or ''}"


def _handler_id(place: FormPlace, library: str, function: str, key: str, states: Sequence[str]) -> str:
    return part_id(place.form_id, "handler", library, function, key, *states)


def _handler_text(handler: Handler, library: str, unique_id: str) -> str:
    return (
        f"<Handler functionName={quoteattr(handler.function)} libraryName={quoteattr(library)} "
        f'handlerUniqueId={quoteattr(unique_id)} enabled="true" parameters="" passExecutionContext="true"/>'
    )


def _named(handler: Handler) -> str:
    return f"{handler.event}{f' of {handler.column}' if handler.column else ''} calls {handler.function}"


def _handler_states(place: FormPlace, node: Node, event: Node) -> tuple[str, str, str] | None:
    """Tell from the id of a handler whether it is ours, and what was there before it."""
    key = _key_at(event)
    found = node.get("handlerUniqueId").lower()
    for events, own, handlers in product(_STATES, _STATES, _STATES):
        states = (events, own, handlers)
        if found == _handler_id(place, node.get("libraryName"), node.get("functionName"), key, states):
            return states
    return None


def _ours(events: Node, place: FormPlace) -> Iterator[tuple[Node, Node, Node, tuple[str, str, str]]]:
    """Give event, Handlers, handler and states of every handler of ours."""
    for event in events.children:
        for into in event.children:
            for node in into.children if into.tag == "Handlers" else ():
                states = _handler_states(place, node, event)
                if states is not None:
                    yield event, into, node, states


def _drop_stale(
    splices: list[Splice], details: list[str], events: Node | None, place: FormPlace, wanted: Iterable[Handler]
) -> None:
    """Take out handlers of ours that nobody declares any more, and an event that was made for them alone."""
    named = {(_key_of(each), place.solution.scripts[each.script].name, each.function) for each in wanted}
    ours = list(_ours(events, place)) if events else []
    stale = [
        each
        for each in ours
        if (_key_at(each[0]), each[2].get("libraryName"), each[2].get("functionName")) not in named
    ]
    details += [f"- {event.get('name')} calls {node.get('functionName')}" for event, _, node, _ in stale]
    for event in {id(each[0]): each[0] for each in stale}.values():
        of_event = [each for each in stale if each[0] is event]
        is_needed = any(_key_of(handler) == _key_at(event) for handler in wanted)
        is_whole = len(event.children) == 1 and len(event.children[0].children) == len(of_event)
        if not is_needed and is_whole and any(states[1] == _MADE for *_, states in of_event):
            splices.append(without(event))
        else:
            splices.extend(without(node) for _, _, node, _ in of_event)


def _key_at(event: Node) -> str:
    return f"{event.get('name')}:{event.get('attribute')}"


def _remove_handlers(splices: list[Splice], details: list[str], events: Node, place: FormPlace) -> None:
    """Take out all of ours, from the inside out: handlers, then what was made for them and is empty now."""
    ours = list(_ours(events, place))
    details += [f"- {event.get('name')} calls {node.get('functionName')}" for event, _, node, _ in ours]
    emptied: list[Node] = []
    for event in events.children:
        of_event = [each for each in ours if each[0] is event]
        if not of_event:
            continue
        into = of_event[0][1]
        nodes = [node for _, _, node, _ in of_event]
        event_state = {states[1] for *_, states in of_event}
        is_only = len(event.children) == 1 and len(into.children) == len(nodes)
        if _MADE in event_state and is_only:
            emptied.append(event)
        elif _WAS_EMPTY in event_state and is_only:
            splices.append(Splice(event.open_end - 1, event.end, "/>"))
        else:
            _remove(splices, into, nodes, {states[2] for *_, states in of_event})
    _remove(splices, events, emptied, {states[0] for *_, states in ours})


def _remove(splices: list[Splice], container: Node, nodes: list[Node], states: set[str]) -> None:
    """Take `nodes` out of `container`; if nothing is left in it, it becomes again what it was before us."""
    if nodes and len(nodes) == len(container.children):
        if _MADE in states:
            splices.append(without(container))
            return
        if _WAS_EMPTY in states:
            splices.append(Splice(container.open_end - 1, container.end, "/>"))
            return
    splices.extend(without(node) for node in nodes)
