"""`ensure`: found, made, waited for, made good, refused: every branch, for every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fake_aws import ACCOUNT, BEFORE, NOW, SINCE, FakePersonalize, clients, refused

from contract.naming import attempt
from contract.plan import Ensure, Ensured
from lambdas.errors import BadInput, ResourceFailed
from lambdas.tasks.ensure import ensure

GROUP = f"{ACCOUNT}:dataset-group/exp-123456-group-00000000"
DATASET = f"{ACCOUNT}:dataset/exp-123456-group-00000000/INTERACTIONS"
SOLUTION = f"{ACCOUNT}:solution/exp-123456-hrnn-11111111"
VERSION = f"{SOLUTION}/aaaaaaaa"
CAMPAIGN = f"{ACCOUNT}:campaign/exp-123456-hrnn-22222222"
JOB = "exp-123456-import-interactions-33333333"
LATER = NOW + timedelta(minutes=1)

solution = Ensure(
    kind="solution",
    name="exp-123456-hrnn-11111111",
    request={"recipeArn": "arn:aws:personalize:::recipe/aws-hrnn", "performAutoTraining": False},
    parent=GROUP,
    since=SINCE,
)
campaign = Ensure(
    kind="campaign", name="exp-123456-hrnn-22222222", request={"minProvisionedTPS": 1}, parent=VERSION, since=SINCE
)
version = Ensure(kind="solution-version", name="exp-123456-hrnn-44444444", request={}, parent=SOLUTION, since=SINCE)
imported = Ensure(
    kind="dataset-import-job",
    name=JOB,
    request={"dataSource": {"dataLocation": "s3://b/k"}, "roleArn": "arn:aws:iam::123456789012:role/r"},
    parent=DATASET,
    since=SINCE,
)


@pytest.fixture
def personalize() -> FakePersonalize:
    return FakePersonalize()


def made(personalize: FakePersonalize, wanted: Ensure) -> Ensured:
    return ensure(wanted, clients(personalize=personalize))


def add_job(personalize: FakePersonalize, number: int = 1, status: str = "ACTIVE", **members: object) -> str:
    name = attempt(JOB, number)
    row = {"jobName": name, "datasetArn": DATASET, "at": BEFORE, **members}
    return personalize.add(f"{ACCOUNT}:dataset-import-job/{row['jobName']}", status, **row)


def add_version(personalize: FakePersonalize, number: int = 1, status: str = "ACTIVE", **members: object) -> str:
    row = {"name": attempt(version.name, number), "solutionArn": SOLUTION, "at": BEFORE, **members}
    return personalize.add(f"{SOLUTION}/{number:08x}", status, **row)


# What is not there is made; what is there is found.


@pytest.mark.parametrize("wanted", [solution, campaign, version, imported], ids=lambda wanted: wanted.kind)
def test_missing_is_made_and_pending(personalize: FakePersonalize, wanted: Ensure) -> None:
    result = made(personalize, wanted)
    assert result.status == "PENDING"
    assert result.arn in personalize.resources
    ((_, request),) = personalize.calls
    assert (request.get("name") or request["jobName"]) == wanted.name
    assert wanted.parent in request.values()
    assert wanted.request.items() <= request.items()


@pytest.mark.parametrize("wanted", [solution, campaign, version, imported], ids=lambda wanted: wanted.kind)
def test_made_once_until_active(personalize: FakePersonalize, wanted: Ensure) -> None:
    arn = made(personalize, wanted).arn
    for status in ("CREATE PENDING", "CREATE IN_PROGRESS"):
        personalize.resources[arn]["status"] = status
        assert made(personalize, wanted) == Ensured(arn=arn, status="PENDING")
    personalize.resources[arn]["status"] = "ACTIVE"
    assert made(personalize, wanted).status == "ACTIVE"
    assert made(personalize, wanted).arn == arn
    assert len(personalize.calls) == 1


@pytest.mark.parametrize("wanted", [solution, campaign, version, imported], ids=lambda wanted: wanted.kind)
def test_failure_of_this_run_is_reported_with_its_reason(personalize: FakePersonalize, wanted: Ensure) -> None:
    arn = made(personalize, wanted).arn
    personalize.resources[arn] |= {"status": "CREATE FAILED", "failureReason": "too few users"}
    with pytest.raises(ResourceFailed, match=rf"{wanted.kind} {wanted.name} failed: too few users"):
        made(personalize, wanted)
    assert len(personalize.calls) == 1


def test_failure_without_a_reason_names_the_status(personalize: FakePersonalize) -> None:
    add_version(personalize, status="CREATE STOPPED", at=LATER)
    with pytest.raises(ResourceFailed, match="CREATE STOPPED"):
        made(personalize, version)


@pytest.mark.parametrize("wanted", [solution, campaign, version, imported], ids=lambda wanted: wanted.kind)
@pytest.mark.parametrize("code", ["InvalidInputException", "ResourceNotFoundException"])
def test_refusal_is_a_failure_in_the_services_words(personalize: FakePersonalize, wanted: Ensure, code: str) -> None:
    call = "create_" + wanted.kind.replace("-", "_")
    personalize.errors[call] = refused(code, "recipe is not available")
    with pytest.raises(ResourceFailed, match="was refused: recipe is not available"):
        made(personalize, wanted)


@pytest.mark.parametrize("wanted", [solution, campaign, version, imported], ids=lambda wanted: wanted.kind)
def test_parent_in_use_is_waited_for(personalize: FakePersonalize, wanted: Ensure) -> None:
    personalize.errors["create_" + wanted.kind.replace("-", "_")] = refused("ResourceInUseException")
    assert made(personalize, wanted).status == "PENDING"


@pytest.mark.parametrize("wanted", [solution, campaign, version, imported], ids=lambda wanted: wanted.kind)
def test_other_errors_pass_through(personalize: FakePersonalize, wanted: Ensure) -> None:
    personalize.errors["create_" + wanted.kind.replace("-", "_")] = refused("AccessDeniedException")
    with pytest.raises(type(refused("x")), match="AccessDenied"):
        made(personalize, wanted)


@pytest.mark.parametrize("wanted", [solution, version], ids=lambda wanted: wanted.kind)
def test_unexpected_status_is_an_error(personalize: FakePersonalize, wanted: Ensure) -> None:
    arn = made(personalize, wanted).arn
    personalize.resources[arn]["status"] = "INACTIVE"
    with pytest.raises(ResourceFailed, match="unexpected status INACTIVE"):
        made(personalize, wanted)


def test_a_parent_is_needed(personalize: FakePersonalize) -> None:
    with pytest.raises(BadInput, match="without the ARN"):
        made(personalize, replace(version, parent=None))


# Solutions and campaigns: what failed earlier is deleted and made again.


@pytest.mark.parametrize("wanted", [solution, campaign], ids=lambda wanted: wanted.kind)
def test_old_failure_is_deleted_then_made_again(personalize: FakePersonalize, wanted: Ensure) -> None:
    arn = SOLUTION if wanted is solution else CAMPAIGN
    personalize.add(arn, "CREATE FAILED", failureReason="old")
    assert made(personalize, wanted) == Ensured(arn=arn, status="PENDING")
    assert personalize.resources[arn]["status"] == "DELETE PENDING"
    assert made(personalize, wanted).status == "PENDING"  # still being deleted
    del personalize.resources[arn]
    assert made(personalize, wanted) == Ensured(arn=arn, status="PENDING")
    assert [call for call, _ in personalize.calls] == [f"delete_{wanted.kind}", f"create_{wanted.kind}"]


def test_deletion_that_is_under_way_already(personalize: FakePersonalize) -> None:
    personalize.add(SOLUTION, "CREATE FAILED")
    personalize.errors["delete_solution"] = refused("ResourceInUseException")
    assert made(personalize, solution).status == "PENDING"


def test_refused_deletion_passes_through(personalize: FakePersonalize) -> None:
    personalize.add(SOLUTION, "CREATE FAILED")
    personalize.errors["delete_solution"] = refused("AccessDeniedException")
    with pytest.raises(type(refused("x")), match="AccessDenied"):
        made(personalize, solution)


def test_another_run_made_the_solution_a_moment_ago(personalize: FakePersonalize) -> None:
    personalize.errors["create_solution"] = refused("ResourceAlreadyExistsException")
    assert made(personalize, solution) == Ensured(arn=SOLUTION, status="PENDING")


# Campaigns follow the solution version.


def test_campaign_of_this_version_is_used(personalize: FakePersonalize) -> None:
    personalize.add(CAMPAIGN, solutionVersionArn=VERSION)
    assert made(personalize, campaign) == Ensured(arn=CAMPAIGN, status="ACTIVE")


def test_campaign_of_another_version_is_updated(personalize: FakePersonalize) -> None:
    personalize.add(CAMPAIGN, solutionVersionArn=f"{SOLUTION}/bbbbbbbb")
    assert made(personalize, campaign).status == "PENDING"
    assert made(personalize, campaign).status == "PENDING"
    assert personalize.calls == [("update_campaign", {"campaignArn": CAMPAIGN, "solutionVersionArn": VERSION})]
    personalize.resources[CAMPAIGN]["latestCampaignUpdate"]["status"] = "ACTIVE"
    assert made(personalize, campaign) == Ensured(arn=CAMPAIGN, status="ACTIVE")


def test_campaign_whose_update_failed_in_this_run(personalize: FakePersonalize) -> None:
    update = {
        "status": "CREATE FAILED",
        "failureReason": "no capacity",
        "solutionVersionArn": VERSION,
        "lastUpdatedDateTime": LATER,
    }
    personalize.add(CAMPAIGN, solutionVersionArn=f"{SOLUTION}/bbbbbbbb", latestCampaignUpdate=update)
    with pytest.raises(ResourceFailed, match="no capacity"):
        made(personalize, campaign)


def test_campaign_whose_update_failed_earlier_is_updated_again(personalize: FakePersonalize) -> None:
    update = {"status": "CREATE FAILED", "solutionVersionArn": VERSION, "lastUpdatedDateTime": BEFORE}
    personalize.add(CAMPAIGN, solutionVersionArn=f"{SOLUTION}/bbbbbbbb", latestCampaignUpdate=update)
    assert made(personalize, campaign).status == "PENDING"
    assert [call for call, _ in personalize.calls] == ["update_campaign"]


def test_campaign_in_use_is_updated_later(personalize: FakePersonalize) -> None:
    personalize.add(CAMPAIGN, solutionVersionArn=f"{SOLUTION}/bbbbbbbb")
    personalize.errors["update_campaign"] = refused("ResourceInUseException")
    assert made(personalize, campaign).status == "PENDING"


# Import jobs and solution versions: attempts.


def test_old_failure_of_a_version_is_tried_under_the_next_name(personalize: FakePersonalize) -> None:
    add_version(personalize, 1, "CREATE FAILED")
    add_version(personalize, 2, "CREATE STOPPED")
    assert made(personalize, version).status == "PENDING"
    assert personalize.calls == [
        ("create_solution_version", {"name": attempt(version.name, 3), "solutionArn": SOLUTION})
    ]


def test_newest_attempt_counts(personalize: FakePersonalize) -> None:
    add_version(personalize, 1, "CREATE FAILED")
    arn = add_version(personalize, 2, at=BEFORE, lastUpdatedDateTime=BEFORE + timedelta(seconds=90))
    assert made(personalize, version) == Ensured(arn=arn, status="ACTIVE", seconds=90.0)


def test_what_was_tuned_is_told(personalize: FakePersonalize) -> None:
    tuned = {"hidden_dimension": "58"}
    add_version(personalize, 1, tunedHPOParams={"algorithmHyperParameters": tuned})
    assert made(personalize, version).tuned == tuned


def test_a_trained_version_is_used_though_a_later_attempt_failed(personalize: FakePersonalize) -> None:
    trained = add_version(personalize, 1)
    add_version(personalize, 2, "CREATE FAILED")  # of an earlier run with train_afresh
    assert made(personalize, version).arn == trained
    assert personalize.calls == []


def test_training_afresh_that_failed_is_reported_though_an_older_version_exists(personalize: FakePersonalize) -> None:
    add_version(personalize, 1)
    add_version(personalize, 2, "CREATE FAILED", at=LATER, failureReason="no capacity")
    with pytest.raises(ResourceFailed, match="no capacity"):
        made(personalize, replace(version, afresh=True))


def test_stopping_version_is_waited_for(personalize: FakePersonalize) -> None:
    arn = add_version(personalize, 1, "CREATE STOPPING")
    assert made(personalize, version) == Ensured(arn=arn, status="PENDING")


def test_versions_of_other_inputs_do_not_count(personalize: FakePersonalize) -> None:
    personalize.add(f"{SOLUTION}/cccccccc", name="another", solutionArn=SOLUTION)
    personalize.add(f"{SOLUTION}/dddddddd", solutionArn=SOLUTION)  # made by hand, without a name
    made(personalize, version)
    assert [call for call, _ in personalize.calls] == ["create_solution_version"]


def test_training_afresh_ignores_what_is_older_than_the_run(personalize: FakePersonalize) -> None:
    add_version(personalize, 1)
    wanted = replace(version, afresh=True)
    arn = made(personalize, wanted).arn
    assert personalize.resources[arn]["name"] == attempt(version.name, 2)
    personalize.resources[arn]["status"] = "ACTIVE"
    assert made(personalize, wanted).arn == arn
    assert len(personalize.calls) == 1


def test_a_race_never_trains_twice(personalize: FakePersonalize) -> None:
    arn = add_version(personalize, 1, "CREATE PENDING", at=LATER)
    personalize.hidden.add(arn)  # the list lags behind
    assert made(personalize, version).status == "PENDING"
    assert made(personalize, version).status == "PENDING"
    personalize.hidden.clear()
    assert made(personalize, version).arn == arn


def test_import_is_found(personalize: FakePersonalize) -> None:
    arn = add_job(personalize)
    assert made(personalize, imported) == Ensured(arn=arn, status="ACTIVE")


def test_import_older_than_the_dataset_does_not_count(personalize: FakePersonalize) -> None:
    add_job(personalize)
    personalize.dataset_created = BEFORE + timedelta(minutes=5)
    arn = made(personalize, imported).arn
    assert arn.endswith(attempt(JOB, 2))


def test_import_whose_rows_were_replaced_is_made_again(personalize: FakePersonalize) -> None:
    add_job(personalize)
    add_job(personalize, jobName="other-data", at=BEFORE + timedelta(minutes=5))
    assert made(personalize, imported).arn.endswith(attempt(JOB, 2))


def test_import_that_replaces_again_and_failed_in_this_run_is_not_repeated(personalize: FakePersonalize) -> None:
    add_job(personalize, 1, at=BEFORE - timedelta(minutes=2))
    add_job(personalize, jobName="other-data", at=BEFORE - timedelta(minutes=1))
    add_job(personalize, 2, "CREATE FAILED", at=LATER, failureReason="denied")
    with pytest.raises(ResourceFailed, match="denied"):
        made(personalize, imported)
    assert personalize.calls == []


@pytest.mark.parametrize("other", [{"status": "CREATE FAILED"}, {"importMode": "INCREMENTAL"}])
def test_import_that_only_added_rows_or_failed_replaces_nothing(
    personalize: FakePersonalize, other: dict[str, str]
) -> None:
    arn = add_job(personalize)
    add_job(personalize, jobName="other-data", at=BEFORE + timedelta(minutes=5), **other)
    assert made(personalize, imported).arn == arn


def test_two_runs_that_import_different_data_do_not_chase_each_other(personalize: FakePersonalize) -> None:
    add_job(personalize)
    add_job(personalize, jobName="other-data", at=LATER)
    with pytest.raises(ResourceFailed, match="another run imports other data"):
        made(personalize, imported)


def test_import_name_taken_by_another_dataset_is_passed_over(personalize: FakePersonalize) -> None:
    add_job(personalize, datasetArn=f"{ACCOUNT}:dataset/old/INTERACTIONS")
    assert made(personalize, imported).arn.endswith(attempt(JOB, 2))


def test_import_made_by_another_run_a_moment_ago(personalize: FakePersonalize) -> None:
    arn = add_job(personalize, status="CREATE PENDING", at=LATER)
    personalize.hidden.add(arn)
    assert made(personalize, imported) == Ensured(arn=arn, status="PENDING")


def test_attempts_end(personalize: FakePersonalize) -> None:
    for number in range(1, 100):
        add_version(personalize, number, "CREATE FAILED")
    with pytest.raises(ResourceFailed, match="99 attempts"):
        made(personalize, version)


# What is billed


@pytest.mark.parametrize(("at", "new"), [(BEFORE, False), (NOW, True), (LATER, True)])
def test_only_what_was_made_since_the_start_of_the_run_is_new(
    personalize: FakePersonalize, at: datetime, new: bool
) -> None:
    personalize.add(SOLUTION, at=at)
    add_version(personalize, at=at, trainingHours=1.25)
    add_job(personalize, at=at)
    personalize.add(CAMPAIGN, at=at, solutionVersionArn=VERSION)
    found = [made(personalize, wanted) for wanted in (solution, version, imported, campaign)]
    assert [row.new for row in found] == [new] * 4
    assert [row.hours for row in found] == [None, 1.25, None, None]
    assert found[-1].active_from == (at.isoformat() if new else None), "an older campaign costs without the run, too"
