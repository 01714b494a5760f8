"""The page as a WSGI application: one form, lists side by side, a button per item that sends an event.

Server-rendered and without a script: what is asked stands in the address, so that a view can be kept and sent on.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from look.campaigns import Asked, Campaign, LookError, Recommended, Service

EVENT_TYPE = "click"
REMEMBERED = 100
"""Events whose lists before are kept."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the page can offer to choose from; everything else can be typed."""

    experiment: str
    users: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people call the items."""
    contexts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Values of the context fields."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One column."""

    campaign: Campaign
    items: Sequence[Recommended] = ()
    problem: str = ""
    new: frozenset[str] = frozenset()
    """Items that the list did not have before the event."""


def create_app(service: Service, known: Known) -> Flask:
    """The application. It remembers the lists before each of the latest events, to mark what is new after them."""
    app = Flask(__name__)
    remembered: OrderedDict[str, Mapping[str, frozenset[str]]] = OrderedDict()

    @app.get("/")
    def lists() -> str:
        campaigns = service.campaigns()
        chosen = request.args.getlist("campaign") or [campaign.name for campaign in campaigns]
        asked = _asked(service)
        before = remembered.get(request.args.get("before", ""), {})
        shown = [
            _shown(service, campaign, asked, before.get(campaign.name))
            for campaign in campaigns
            if campaign.name in chosen
        ]
        return render_template(
            "lists.html",
            known=known,
            campaigns=campaigns,
            chosen=chosen,
            asked=asked,
            fields=service.context_fields,
            shown=shown,
            sent=request.args.get("sent", ""),
        )

    @app.post("/event")
    def event() -> Response:
        asked = _asked(service, request.form)
        query = {key: request.form.getlist(key) for key in request.form if key != "sent"}
        item = request.form.get("sent", "")
        try:
            token = secrets.token_urlsafe(8)
            remembered[token] = _before(service, asked, query.get("campaign", []))
            while len(remembered) > REMEMBERED:
                remembered.popitem(last=False)
            service.send(asked.user, item, event_type=EVENT_TYPE, context=asked.context or {})
        except LookError as error:
            return Response(str(error), status=400, mimetype="text/plain")
        values: dict[str, Any] = {**query, "sent": item, "before": token}
        return redirect(url_for("lists", **values), code=303)

    return app


def _asked(service: Service, given: Any = None) -> Asked:
    values = request.args if given is None else given
    context = {name: values.get(f"context.{name}", "").strip() for name in service.context_fields}
    return Asked(
        user=values.get("user", "").strip(),
        item=values.get("item", "").strip(),
        context={name: value for name, value in context.items() if value},
        filter_expression=values.get("filter", "").strip(),
    )


def _shown(service: Service, campaign: Campaign, asked: Asked, before: frozenset[str] | None) -> Shown:
    if not (asked.item if campaign.wants_item else asked.user):
        return Shown(campaign=campaign, problem="Choose an item." if campaign.wants_item else "Choose a user.")
    try:
        items = service.recommend(campaign, asked)
    except LookError as error:
        return Shown(campaign=campaign, problem=str(error))
    new = frozenset(row.item for row in items) - before if before is not None else frozenset()
    return Shown(campaign=campaign, items=items, new=new)


def _before(service: Service, asked: Asked, chosen: Sequence[str]) -> dict[str, frozenset[str]]:
    """{campaign: the items of its list}, of those that the event may change."""
    return {
        campaign.name: frozenset(row.item for row in service.recommend(campaign, asked))
        for campaign in service.campaigns()
        if campaign.name in chosen and not campaign.wants_item
    }
