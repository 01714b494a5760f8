"""Every grant of the stack is needed: without it something fails, and says which action it may not do."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_world import World
from matrix import asking, every, observe, prove, prove_all, world
from removals import shrunk

from tests.grown_quickstart import grown_quickstart
from tests.synth.synth_app import synthesize
from tools.permissions import EXPERIMENT, TRUST, Place, documented, grants, pages, read

SAMPLE, SEED = 8, 6


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("removals"), events=False) as made:
        yield made


def test_a_sample_of_the_grants_of_tasks_is_needed(deployed: World) -> None:
    steps = [step for step in every(deployed) if step.name.startswith("Tasks/") and not (step.late or step.of_log)]
    wholes = [observe(deployed, step) for step in steps]
    own = [grant for grant in deployed.stack.grants if grant.holder.startswith("Tasks/")]  # others ask beside them
    asked = [grant for grant in own if not documented(grant) and asking(deployed, grant, wholes)]
    for grant in random.Random(SEED).sample(sorted(asked), SAMPLE):
        tried = [prove(deployed, grant, whole) for whole in asking(deployed, grant, wholes)]
        assert any(proof for proof, _ in tried), f"{grant}: {[told for _, told in tried]}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_grant_is_proven_or_documented(tmp_path: Path) -> None:
    with world(tmp_path, events=True) as made:
        proofs = prove_all(made, made.stack.grants, print)
        plain = synthesize(tmp_path / "plain", grown_quickstart(), **{"aws:cdk:bundling-stacks": []})[EXPERIMENT]
        written = pages(made.stack.grants, proofs, plain=grants(plain.body))
    for file, text in written.items():
        if os.environ.get("UPDATE_PERMISSIONS"):
            file.write_text(text, encoding="utf-8")
        kept = read(file.read_text(encoding="utf-8"))  # which of several steps proves a grant may differ
        assert {grant: proof is None for grant, proof in read(text).items()} == {
            grant: proof is None for grant, proof in kept.items()
        }, "run `make permissions`"


STATEMENTS = [
    {"Effect": "Allow", "Action": ["a", "b"], "Resource": ["x", "y"]},
    {"Effect": "Allow", "Action": "c", "Resource": "*", "Condition": {"k": "v"}},
]


@pytest.mark.parametrize(
    ("statement", "action", "resource", "left"),
    [
        (
            *(0, "a", 1),
            [
                {"Effect": "Allow", "Action": ["b"], "Resource": ["x", "y"]},
                {"Effect": "Allow", "Action": ["a"], "Resource": ["x"]},
                STATEMENTS[1],
            ],
        ),
        (1, "c", 0, STATEMENTS[:1]),
    ],
)
def test_a_removal_takes_one_action_on_one_resource_and_nothing_else(
    statement: int, action: str, resource: int, left: list[dict[str, object]]
) -> None:
    place = Place("Role", "task", statement, resource)
    assert shrunk({"Statement": STATEMENTS}, place, action) == {"Statement": left}


def test_a_trust_policy_is_left_for_a_service_that_does_not_exist() -> None:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "a"}}]}
    (left,) = shrunk(trust, Place("Role", TRUST, 0, 0), "sts:AssumeRole")["Statement"]
    assert left["Principal"] == {"Service": "nobody.amazonaws.com"}
