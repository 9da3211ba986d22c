"""What facts mean: one table of what is spoilt, and what is found then."""

import math
from dataclasses import replace

import pytest

from ollama_warmup.report import Condition
from tests.support.builders import INFO, failed, resident, tags, target
from tests.support.facts import (
    LLAMA,
    LOADED,
    QUEUES,
    REDIS,
    SIZE,
    facts,
    host_facts,
    of,
    only,
    reported,
    shared,
)
from tests.support.host_reports import event
from worker.adapters.nodes import Node, Nodes
from worker.core.passes import Evictor, Kind
from worker.doctor import judging
from worker.doctor.facts import Facts, Reach, Storage
from worker.doctor.finding import Check, Severity

PROBLEM, WARNING, NOTE = Severity.PROBLEM, Severity.WARNING, Severity.NOTE


def workers(slots=2, **queues):
    found = {
        f"{name}@a": Node(queues=frozenset(q), slots=slots)
        for name, q in queues.items()
    }
    return Nodes(workers=found, beats=("celerybeat@a",))


def env(**variables):
    return facts(environment=variables)


def redis(**more):
    return facts(redis=replace(REDIS, **more))


def seen(condition, **more):
    return facts(shared=shared(reports={"gpu": reported(condition, **more)}))


def happens(age_s=60.0, **more):
    return event(age_s, host="gpu", **more)


def happened(*events):
    return facts(shared=shared(*events))


def hosted(*residents, **more):
    return facts(hosts=(host_facts(*residents, **more),))


def unanswered(reach, text):
    silent = host_facts(
        reach=reach, text=text, view=None, tags=None, infos={}, version=None
    )
    return facts(hosts=(replace(silent, skew_s=None),))


def wants(text, *residents, **more):
    return hosted(*residents, targets=(target(text, **more),))


def loads(*seconds):
    history = {("gpu", LLAMA.key): seconds}
    return facts(shared=shared(histories=history))


OOM = failed("OutOfMemory")
SLOW = Storage(model="llama3:8b", size_bytes=SIZE, read_bytes=10**8, read_s=1.0)
FAST = replace(SLOW, read_s=0.1)
BUSY_LANE = {"ollama.lane.gpu": 40}
OTHER = target("nomic-embed-text")
BY_OTHER = happens(
    kind=Kind.EVICTED,
    why="our load of nomic-embed-text:latest evicted it",
    evictors=(Evictor(model="nomic-embed-text:latest", is_ours=True),),
)

TABLE = [
    (Check.FOREIGN_VARIABLES, env(CELERY_BROKER_URL="x"), WARNING, "CELERY_BROKER_URL"),
    (Check.FOREIGN_VARIABLES, env(APP="proj"), WARNING, "APP"),
    (
        Check.OLLAMA_VARIABLES,
        replace(wants("llama3:8b"), environment={"OLLAMA_KEEP_ALIVE": "20"}),
        WARNING,
        "of 20s is below 3 ticks (30s)",
    ),
    (
        Check.OLLAMA_VARIABLES,
        replace(wants("llama3:8b"), environment={"OLLAMA_KEEP_ALIVE": "-1"}),
        NOTE,
        "pins nothing",
    ),
    (
        Check.OLLAMA_VARIABLES,
        replace(
            hosted(targets=(LLAMA, OTHER), is_local=True),
            environment={"OLLAMA_MAX_LOADED_MODELS": "1"},
        ),
        WARNING,
        "2 models are wanted of gpu, and it may hold 1",
    ),
    (Check.OLLAMA_VARIABLES, env(OLLAMA_NUM_PARALLEL="4"), NOTE, "4 contexts"),
    (Check.OLLAMA_VARIABLES, env(OLLAMA_LOAD_TIMEOUT="30s"), NOTE, "for 30s"),
    (Check.WARM_LIST, facts(list_problem="line 3: no"), PROBLEM, "line 3"),
    (Check.WARM_LIST, facts(sentences=("so",)), NOTE, "so"),
    (Check.WARM_LIST, seen(Condition.COLD, enabled=False), WARNING, "only observe"),
    (Check.WARM_LIST, seen(Condition.WARM, warm_list_problem="no"), PROBLEM, "no"),
    (Check.WARM_LIST, facts(is_theirs=True), NOTE, "declares nothing"),
    (Check.WARM_LIST, wants("llama3:8b"), NOTE, "other models of gpu"),
    (
        Check.REDIS,
        facts(redis=None, shared=None, nodes=None, redis_problem="refused"),
        PROBLEM,
        "refused",
    ),
    (
        Check.REDIS_PASSWORD,
        facts(redis=None, shared=None, nodes=None, is_login_refused=True),
        PROBLEM,
        "refuses the login",
    ),
    (Check.REDIS_PASSWORD, facts(is_redis_local=False), WARNING, "without a password"),
    (Check.REDIS_POLICY, redis(policy="allkeys-lru"), PROBLEM, "throws away"),
    (Check.REDIS_MEMORY, redis(max_bytes=2**20 + 2**17), WARNING, "nearly full"),
    (Check.REDIS_MEMORY, redis(max_bytes=2**20 + 2**10), PROBLEM, "nearly full"),
    (Check.REDIS_MEMORY, redis(is_saving=False), PROBLEM, "cannot write its data"),
    (Check.WORKERS, facts(nodes=Nodes()), PROBLEM, "no worker answers"),
    (
        Check.WORKERS,
        facts(nodes=workers(worker=QUEUES - {"ollama.lane.gpu"})),
        PROBLEM,
        "ollama.lane.gpu: nothing is loaded",
    ),
    (
        Check.SLOTS,
        facts(
            hosts=tuple(host_facts(name=name) for name in ("gpu", "b", "c")),
            nodes=workers(w=QUEUES, control=["ollama.control"]),
        ),
        WARNING,
        "3 hosts share 2 slots",
    ),
    (Check.BACKLOG, redis(waiting={"ollama.control": 4}), WARNING, "4 messages wait"),
    (Check.BACKLOG, redis(waiting=BUSY_LANE), WARNING, "40 messages wait"),
    (
        Check.BEAT,
        replace(seen(Condition.WARM, age_s=60), nodes=Nodes()),
        PROBLEM,
        "no passes come",
    ),
    (Check.BEAT, facts(nodes=Nodes()), NOTE, "but passes come"),
    (Check.PASSES, facts(shared=shared(reports={})), PROBLEM, "no pass has reported"),
    (Check.PASSES, seen(Condition.WARM, age_s=60), PROBLEM, "1m ago"),
    (Check.PASSES, facts(shared=shared(problem="another release")), PROBLEM, "release"),
    (Check.PAUSED, facts(shared=shared(paused=frozenset({"*"}))), NOTE, "everything"),
    (Check.CLOCKS, facts(redis_skew_s=7.0), WARNING, "7s behind Redis'"),
    (Check.CLOCKS, hosted(skew_s=3_600.4), NOTE, "1h ahead of"),
    (Check.RUNNING, unanswered(Reach.REFUSED, "refused"), PROBLEM, "nobody listens"),
    (Check.NETWORK, unanswered(Reach.MUTE, "mute"), PROBLEM, "takes too long"),
    (Check.NETWORK, unanswered(Reach.UNREACHABLE, "DNS"), PROBLEM, "no way"),
    (Check.NETWORK, unanswered(Reach.UNASKED, "late"), NOTE, "1 of 1 hosts could not"),
    (Check.OLLAMA, unanswered(Reach.LOCKED, "401"), PROBLEM, "does not let us in"),
    (Check.OLLAMA, unanswered(Reach.STRANGE, "404"), PROBLEM, "is no Ollama"),
    (Check.OLLAMA, unanswered(Reach.FAILS, "502"), PROBLEM, "with a failure"),
    (Check.VERSION, hosted(version="0.9.6"), WARNING, "which context"),
    (Check.PULLED, hosted(tags={}), PROBLEM, "does not have this model"),
    (
        Check.PULLED,
        hosted(tags={}, targets=(replace(LLAMA, pull=True),)),
        NOTE,
        "passes pull it",
    ),
    (Check.WARMED, seen(Condition.FAILING, why="no room"), PROBLEM, "warm-ups fail"),
    (Check.WARMED, seen(Condition.LOADING), NOTE, "loading since 1m"),
    (Check.WARMED, seen(Condition.CONTESTED), WARNING, "contested since 1m"),
    (Check.UNLOADED, happened(happens(kind=Kind.LAPSED)), WARNING, "ran out, once"),
    (Check.UNLOADED, happened(happens(kind=Kind.RESTARTED)), NOTE, "server began anew"),
    (Check.UNLOADED, happened(BY_OTHER, BY_OTHER), NOTE, "room, 2 times"),
    (Check.KEEP_ALIVE, wants("llama3:8b?keep_alive=20s"), PROBLEM, "below 3 ticks"),
    (
        Check.KEEP_ALIVE,
        seen(Condition.DRIFTED, is_ready=True, why="keep-alive 30s, wanted 30m"),
        WARNING,
        "another keep-alive",
    ),
    (
        Check.FOREVER,
        wants("llama3:8b", resident("llama3:8b", None), keep_alive_s=math.inf),
        NOTE,
        "keep_alive -1: it pins nothing",
    ),
    (
        Check.FOREVER,
        hosted(resident("qwen3:4b", None)),
        NOTE,
        "loaded without a timer",
    ),
    (
        Check.CONTEXT,
        hosted(replace(LOADED, context_length=4096)),
        WARNING,
        "context 4096, wanted is 8192",
    ),
    (Check.CONTEXT, wants("llama3:8b?num_ctx=16384"), NOTE, "is cut to 8192"),
    (Check.LOAD_TIME, loads(10, 310), WARNING, "up to 5m10s"),
    (Check.LOAD_TIME, loads(10, 250), NOTE, "up to 4m10s"),
    (
        Check.LOADED_MODELS,
        replace(
            hosted(targets=(LLAMA, OTHER)),
            shared=shared(BY_OTHER),
        ),
        WARNING,
        "2 wanted models do not stay loaded together",
    ),
    (
        Check.LOADED_MODELS,
        seen(Condition.UNFIT, why="does not fit beside big"),
        WARNING,
        "do not stay loaded together",
    ),
    (
        Check.MEMORY,
        facts(shared=shared(failures={("gpu", LLAMA.key): OOM})),
        PROBLEM,
        "does not fit into the memory",
    ),
    (
        Check.MEMORY,
        hosted(replace(LOADED, size_vram_bytes=0), memory_bytes=4 * 10**9),
        WARNING,
        "takes 4.7 GB at least, and this machine has 4.0 GB",
    ),
    (
        Check.CPU,
        hosted(replace(LOADED, size_vram_bytes=0)),
        NOTE,
        "everything runs on the CPU",
    ),
    (
        Check.CPU,
        hosted(replace(LOADED, size_vram_bytes=SIZE // 2)),
        WARNING,
        "50% of it run on the CPU",
    ),
    (
        Check.QUANTISATION,
        hosted(infos={LLAMA.name.normal: replace(INFO, quantization="F16")}),
        NOTE,
        "stored as F16; as Q4_K_M it would take about 31%",
    ),
    (Check.STORAGE, hosted(storage=SLOW), WARNING, "100 MB/s: 4.7 GB take 47s"),
    (
        Check.STORAGE,
        hosted(storage=replace(SLOW, problem="not here")),
        NOTE,
        "was not measured",
    ),
    (
        Check.WEDGE,
        happened(happens(kind=Kind.WEDGED, why="hangs")),
        PROBLEM,
        "every load hangs",
    ),
    (
        Check.WEDGE,
        happened(happens(10, kind=Kind.CURED), happens(kind=Kind.WEDGED)),
        NOTE,
        "free again",
    ),
]


@pytest.mark.parametrize(("check", "spoilt", "severity", "what"), TABLE)
def test_a_spoilt_system_has_the_finding_of_its_check(check, spoilt, severity, what):
    finding = only(check, spoilt)

    assert finding.severity is severity
    assert what in f"{finding.what} {finding.where}"
    if severity is not NOTE:
        assert finding.next_step


def test_the_table_of_spoilt_systems_provokes_every_check():
    assert {row[0] for row in TABLE} | {Check.SETTINGS} == set(Check)


def test_a_system_that_is_well_passes_every_check():
    found = judging.judge(hosted(LOADED, storage=FAST))

    assert {f.check for f in found} == set(Check)
    assert {f.severity for f in found} == {Severity.OK}


def test_wrong_settings_are_a_problem_and_only_the_environment_is_judged_besides():
    wrong = Facts(settings_problem="unknown variable OLLAMA_WARMUP_TICK: did you mean")

    found = {f.check: f.severity for f in judging.judge(wrong)}

    assert found == {Check.SETTINGS: PROBLEM, Check.FOREIGN_VARIABLES: Severity.OK}


def test_without_redis_hosts_are_judged_all_the_same():
    alone = hosted(replace(LOADED, context_length=4096), tags={})
    alone = replace(alone, redis=None, shared=None, nodes=None, redis_problem="refused")

    found = {f.check: f.severity for f in judging.judge(alone)}

    assert (found[Check.PULLED], found[Check.CONTEXT]) == (PROBLEM, WARNING)
    assert {Check.WORKERS, Check.PASSES, Check.WARMED}.isdisjoint(found)


def test_a_context_that_the_server_hides_is_no_finding():
    assert of(Check.CONTEXT, hosted(replace(LOADED, context_length=None))) == []


def test_a_target_that_is_resident_under_another_name_is_judged_by_its_weights():
    other_name = resident("alias", context=4096, size_bytes=SIZE)

    finding = only(Check.CONTEXT, hosted(other_name))

    assert "loaded with context 4096, wanted is 8192" in finding.what


@pytest.mark.parametrize(
    ("model", "suggested"),
    [
        ("llama3:8b-instruct-fp16", "llama3:8b-instruct-q4_K_M"),
        ("llama3:8b-instruct-q8_0", "llama3:8b-instruct-q4_K_M"),
        ("hf.co/user/repo:Q8_0", "hf.co/user/repo:q4_K_M"),
        ("llama3:8b", "a tag with q4_K_M"),
        ("llama3", "a tag with q4_K_M"),
    ],
)
def test_a_smaller_tag_is_named_only_where_the_tag_names_the_larger(model, suggested):
    wanted = target(model)
    infos = {wanted.name.normal: replace(INFO, quantization="Q8_0")}

    found = only(Check.QUANTISATION, hosted(targets=(wanted,), infos=infos))

    assert f"look for {suggested} in its registry" in found.next_step


def test_a_small_model_is_not_called_badly_quantised():
    infos = {LLAMA.name.normal: replace(INFO, quantization="F16")}
    small = tags("llama3:8b", size_bytes=10**8)

    assert of(Check.QUANTISATION, hosted(infos=infos)) != []
    assert of(Check.QUANTISATION, hosted(infos=infos, tags=small)) == []


def test_a_target_that_asks_for_the_cpu_is_not_called_slow():
    wish = target("llama3:8b?num_gpu=0")
    residents = replace(LOADED, size_vram_bytes=0), resident("b", size_bytes=SIZE)

    assert of(Check.CPU, hosted(*residents)) != []
    assert of(Check.CPU, hosted(*residents, targets=(wish,))) == []
