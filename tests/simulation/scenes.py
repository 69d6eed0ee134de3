"""Scenes: short plays, each for bugs that seeds hardly ever meet. Each is clean as long as they are not planted."""

from datetime import timedelta

from tests.simulation.cluster import STORE
from tests.simulation.in_calm import is_not_sent, one_finishes
from tests.simulation.scenario import PROJECT
from tests.simulation.stage import Play, scene

from sluiceway.domain.coming_back import BackWish
from sluiceway.domain.facts import JobState
from sluiceway.domain.orders import ResumeOrder
from sluiceway.domain.policy import IfNotRunning, Resort, StopPolicy

NOT_ITS_LAST = "is told STOPPED with a savepoint that is not its job's last state"
REFUSED = "which Flink refuses for ever"
ONE_TRY = StopPolicy(attempts=1)
PATIENT = StopPolicy(timeout=timedelta(minutes=5))


# What an attempt that failed has left behind. ------------------------------------------------------------------------


@scene(ha=False, notices={"all_attempts_share_a_directory": NOT_ITS_LAST})
async def a_second_attempt_goes_down_with_its_job(at: Play) -> None:
    """The first left a whole savepoint, after which the job ran on; of the second there is none."""
    job, flink = at.first
    await at.wait(10.0)
    flink.failing = ["stopping"]
    await at.stop([job], savepoint=True, policy=PATIENT)
    await at.until(lambda: at.stop_of(job)["attempt"] == 2 and at.under_way(flink))
    at.lose()


@scene(
    jobs=2,
    ha=False,
    notices={"a_failure_that_is_not_remembered": NOT_ITS_LAST, "a_restart_unnoticed": NOT_ITS_LAST},
)
async def a_failure_is_forgotten_before_it_is_judged(at: Play) -> None:
    """The job has run on after its savepoint, was seen to, and then is gone with its JobManager."""
    (job, other), flink = at.jobs, at.first[1]
    await at.wait(10.0)
    flink.failing = ["stopping"]
    await at.stop([job], savepoint=True)
    await at.until(lambda: flink.state is JobState.RESTARTING)
    await at.wait(1.5)
    await at.look(job)  # from then on Flink tells of it for three seconds as it is
    await at.until(lambda: at.has_run(flink, 1.2))
    await at.stop([other], savepoint=False)
    await at.until(lambda: at.seen_to_run(flink))
    at.lose()


@scene(ha=False, notices={"a_failure_is_nothing_without_its_aftermath": NOT_ITS_LAST})
async def a_failure_is_told_and_its_cause_is_not(at: Play) -> None:
    """What was first heard of it could not be stored, and then Flink did not answer what had come of it."""
    job, flink = at.first
    await at.wait(10.0)
    flink.failing = ["stopping"]
    await at.stop([job], savepoint=True)
    await at.until(lambda: flink.state is JobState.RESTARTING)
    at.script.full = True
    await at.until(lambda: at.has_run(flink, 6.0))
    at.script.full, at.script.muted = False, "exceptions"
    await at.until(lambda: at.seen_to_run(flink))
    at.lose()


@scene(notices={"a_failed_stop_with_a_savepoint_is_a_success": NOT_ITS_LAST, "a_restart_unnoticed": NOT_ITS_LAST})
async def a_job_finishes_after_its_stop_has_failed(at: Play) -> None:
    """Its savepoint is whole, it ran on, and nobody saw that."""
    job, flink = at.first
    await at.wait(10.0)
    flink.failing = ["stopping"]
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    with at.cut_off():
        await at.until(lambda: flink.restarts == 1 and flink.state is JobState.RUNNING)
        await at.wait(3.0)
        at.cluster.finish(flink.jid)


@scene(notices={"resumed_from_an_older_state": "which is not its newest state"})
async def a_job_fails_after_its_stop_has_failed(at: Play) -> None:
    """The savepoint that the stop has left behind is younger than any checkpoint."""
    job, flink = at.first
    await at.wait(10.0)
    flink.failing = ["stopping"]
    await at.stop([job], savepoint=True, policy=ONE_TRY)
    await at.until(lambda: flink.restarts == 1 and flink.state is JobState.RUNNING)
    at.cluster.fail(flink.jid)
    await at.wait(90.0)
    await at.run([job], resume=True)


@scene(stop_seconds=0.0, restart_seconds=0.1, notices={"a_restart_is_seen_in_an_old_answer": "no word of the restart"})
async def somebody_looks_at_a_job_just_before_it_restarts(at: Play) -> None:
    """From then on Flink tells of it for three seconds as it was; it has no checkpoint yet."""
    job, flink = at.first
    await at.wait(3.0)
    flink.failing = ["expired"]
    await at.look(job)
    await at.stop([job], savepoint=True)


@scene(stop_seconds=10.0, notices={"a_result_that_never_comes_is_waited_for": "not settled"})
async def a_job_ends_and_nobody_is_left_to_tell_of_its_stop(at: Play) -> None:
    """Flink shows the attempt as under way for ever."""
    job, flink = at.first
    await at.wait(10.0)
    flink.lingers = True
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    at.cluster.finish(flink.jid)


@scene(finish_seconds=4.0, notices={"the_last_savepoint_is_the_end": "not its job's last state"})
async def a_job_restarts_after_its_savepoint_and_ends_by_itself(at: Play) -> None:
    """By the time anybody hears of that, Flink has forgotten the result of the stop."""
    job, flink = at.first
    await at.wait(10.0)
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    with at.cut_off():
        await at.until(lambda: bool(flink.finishing))
        at.cluster.lose_taskmanager(flink.jid)
        await at.wait(3.0)
        at.cluster.finish(flink.jid)
        await at.wait(STORE)


# Who may do what, and when. ------------------------------------------------------------------------------------------


@scene(notices={"everybody_gets_the_lease": "that is not the present one of any stop"})
async def a_service_wakes_up_and_sends_what_another_has_tried(at: Play) -> None:
    """It stood still between storing an attempt and sending it; Flink has forgotten that attempt since."""
    job, flink = at.first
    await at.wait(10.0)
    flink.failing = ["expired"]
    sleeper, _ = at.world.services[0], at.world.spawn()
    at.world.at_the_commit(lambda: at.stop_of(job)["phase"] == "sent", lambda: at.freeze(sleeper, 80.0))
    await at.stop([job], savepoint=True, policy=PATIENT)
    await at.until(lambda: at.stop_of(job)["attempt"] == 2)
    flink.stop_seconds = 100.0
    at.lose()
    await at.wait(90.0)


@scene(notices={"a_look_counts_that_was_not_stored": "is told lost, and runs"})
async def a_service_stands_still_in_a_look_between_two_losses(at: Play) -> None:
    """It had just seen that the job was missing, and sees it again when it wakes up. Somebody forestalls that look."""
    job, flink = at.first
    await at.wait(10.0)
    at.cluster.set_running_tasks(flink.jid, 0)
    await at.stop([job], savepoint=True, policy=StopPolicy(if_not_running=IfNotRunning.WAIT))
    sleeper = at.world.services[0]
    go_on = sleeper.pause

    async def stand_still(seam: str) -> None:
        if seam == "GET /jobs/overview" and at.world.watch.latest(job)["doubt_since"] is not None:
            sleeper.pause = go_on  # type: ignore[method-assign]
            at.freeze(sleeper, 40.0)
        await go_on(seam)

    sleeper.pause = stand_still  # type: ignore[method-assign]
    at.lose(recovery=3.0)
    await at.until(lambda: 0.0 < sleeper.frozen_until - at.world.now < 0.5)
    at.lose(recovery=5.0)
    await at.stop([job], savepoint=False)


@scene(notices={"a_savepoint_beside_a_stop": "two operations of ours at once"})
async def a_stop_and_a_savepoint_wait_for_the_same_tasks(at: Play) -> None:
    """The savepoint, which has not begun, makes way."""
    job, flink = at.first
    at.cluster.set_running_tasks(flink.jid, 0)
    await at.take([job])
    await at.stop([job], savepoint=True, policy=StopPolicy(if_not_running=IfNotRunning.WAIT))
    await at.wait(3.0)
    at.cluster.set_running_tasks(flink.jid, None)


@scene(retains_checkpoints=False, notices={"checkpoints_that_nobody_keeps": "which would not outlive it"})
async def a_job_is_to_be_canceled_keeping_checkpoints_that_go_with_it(at: Play) -> None:
    """So it runs on."""
    job, flink = at.first
    await at.wait(10.0)
    flink.failing = ["declined"]
    await at.stop([job], savepoint=True, policy=StopPolicy(attempts=1, resort=Resort.CANCEL_KEEPING_CHECKPOINT))


@scene(notices={"a_checkpoint_is_taken_on_trust": "which is not the newest checkpoint"})
async def a_job_is_canceled_for_its_checkpoint_while_storage_cannot_be_read(at: Play) -> None:
    """The cancel comes late, and a newer checkpoint before it, of which Flink tells three seconds later."""
    job, flink = at.first
    await at.wait(10.3)
    flink.failing = ["not_ready"]
    at.script.arrive_late("PATCH", 1.5)
    at.world.disk.unreadable = True
    parking = StopPolicy(attempts=1, resort=Resort.CANCEL_KEEPING_CHECKPOINT)
    await at.stop([job], savepoint=True, policy=parking)
    await at.until(lambda: flink.state is JobState.CANCELED)
    await at.wait(2.0)
    at.world.disk.unreadable = False


@scene(
    after_finish=False,
    notices={
        "what_flink_refuses_for_ever_is_sent": REFUSED,
        "a_savepoint_that_flink_refuses_for_ever_is_sent": REFUSED,
    },
)
async def a_source_finishes_of_a_job_that_takes_no_checkpoint_after_that(at: Play) -> None:
    """Flink would refuse every savepoint of it."""
    job, flink = at.first
    await at.wait(10.0)
    await one_finishes(at.cluster, flink)
    await is_not_sent(at, at.cluster, at.take([job]))
    await is_not_sent(at, at.cluster, at.stop([job], savepoint=True))


# What comes late. ----------------------------------------------------------------------------------------------------


@scene(notices={"a_withdrawn_start_never_arrives": "is canceled, and runs"})
async def a_start_arrives_after_it_was_withdrawn(at: Play) -> None:
    """Nobody had an answer to it. It is canceled as soon as it is seen."""
    await at.create()
    job = at.jobs[-1]
    at.script.arrive_late("SUBMIT", 25.0)
    await at.wait(1.0)
    await at.stop([job], savepoint=False)
    await at.wait(30.0)


@scene(stop_seconds=30.0, notices={"a_resurrection_is_ignored": "shows failed, and runs"})
async def a_job_comes_back_after_its_stop_was_told_lost(at: Play) -> None:
    """Its JobManager took longer to find it than anybody waits."""
    job, flink = at.first
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    at.lose(recovery=50.0)
    await at.until(lambda: at.stop_of(job)["phase"] == "lost")


@scene(notices={"the_clock_is_read_in_the_middle_of_a_turn": "is told lost, and runs"})
async def the_clock_jumps_in_the_middle_of_a_look(at: Play) -> None:
    """The JobManager has only just come back, and does not know its jobs again yet."""
    job, _ = at.first
    at.lose(recovery=6.0)
    await at.until(lambda: at.world.watch.latest(job)["doubt_since"] is not None)
    at.script.arrive_late("GET /jobs/overview", 0.4)
    await at.until(lambda: at.script.is_late)
    at.world.time.skew += 90.0
    await at.wait(20.0)


# Application clusters. -----------------------------------------------------------------------------------------------


@scene(application=True, notices={"the_end_of_a_cluster_is_silence": "not settled"})
async def the_one_answer_of_an_application_cluster_is_lost(at: Play) -> None:
    """It goes two seconds after it was read, and nobody has seen its job end: storage tells the rest."""
    job, _ = at.first
    at.script.muted = "savepoints/"
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.cluster.down)


@scene(
    application=True,
    finish_seconds=4.0,
    notices={"what_flink_said_is_dropped": "not settled", "the_end_of_a_cluster_is_silence": "not settled"},
)
async def an_application_cluster_says_where_its_savepoint_lies_and_goes(at: Play) -> None:
    """Nobody has seen its job end, and nobody can look into its directory."""
    job, flink = at.first
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.stop_of(job)["phase"] == "ending")
    at.world.disk.unreadable = True
    with at.cut_off():
        await at.until(lambda: at.cluster.down)
        assert flink.state is JobState.FINISHED


@scene(application=True, stop_seconds=50.0, notices={"an_end_that_need_not_last": "and its job is"})
async def an_application_cluster_is_restarted_in_the_middle_of_a_stop(at: Play) -> None:
    """It refuses connections for a while, and brings its job back."""
    job, flink = at.first
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    at.lose(away=20.0)
    flink.stop_seconds = 1.0


# The way back. -------------------------------------------------------------------------------------------------------


@scene(notices={"what_somebody_brought_is_forgotten": "and not from file:///storage"})
async def an_older_savepoint_is_brought(at: Play) -> None:
    """The job is resumed from that one, although there is a newer one."""
    job, _ = at.first
    for _ in range(2):
        await at.stop([job], savepoint=True)
        await at.rest()
        await at.run([job], resume=True)
        await at.rest()
    await at.stop([job], savepoint=True)
    await at.rest()
    await at.bring(job, at.world.disk.savepoints_of(job)[0])
    await at.run([job], resume=True)


@scene(notices={"parked_by_what_was_seen_before": "nobody can have seen it fail"})
async def the_jobmanager_is_lost_while_a_job_fails_on_its_way_back(at: Play) -> None:
    """For longer than the job may fail. What was seen of it before counts for nothing."""
    job, _ = at.first
    await at.stop([job], savepoint=True)
    await at.rest()
    at.world.cursed.add(job)
    wish = BackWish(park_after=timedelta(seconds=30))
    await at.ask(lambda service: service.resume(ResumeOrder(PROJECT, stop=at.batches[-1], wish=wish)))
    await at.until(lambda: at.world.watch.latest(job)["falters_since"] is not None)
    at.world.cursed.clear()
    at.flink(job).loops = ""
    at.lose(away=60.0)
    await at.wait(70.0)
