"""What Redis tells of itself means. Pure."""

from collections.abc import Iterator

from worker.doctor.facts import Facts
from worker.doctor.finding import Check, Finding, ok, problem, warning

FULL, NEARLY_FULL = 0.95, 0.8
"""Of its memory limit."""
UP = "start the system: ollama-warmup up, or docker compose up -d"


def redis(facts: Facts) -> Iterator[Finding]:
    """Whether it answers."""
    if facts.redis_problem:
        yield problem(
            Check.REDIS,
            facts.redis_problem,
            where=facts.redis_at,
            next_step=f"{UP}; or set OLLAMA_WARMUP_BROKER_URL to the Redis that the "
            "workers use",
        )
    elif facts.redis:
        what = f"{facts.redis.version} answers"
        yield ok(Check.REDIS, what, where=facts.redis_at)


def password(facts: Facts) -> Iterator[Finding]:
    """Whether it lets us in, and nobody else."""
    if facts.is_login_refused:
        yield problem(
            Check.REDIS_PASSWORD,
            "Redis refuses the login",
            where=facts.redis_at,
            next_step="put user and password into OLLAMA_WARMUP_BROKER_URL: "
            "redis://USER:PASSWORD@host:6379/0, percent-encoded",
        )
    elif facts.redis and not facts.has_password and not facts.is_redis_local:
        yield warning(
            Check.REDIS_PASSWORD,
            "Redis on another machine takes commands without a password: whoever can "
            "reach it can run every task, and stop the workers",
            where=facts.redis_at,
            next_step="set `requirepass` or an ACL there, and the password in "
            "OLLAMA_WARMUP_BROKER_URL; let no network reach it that has no need to",
        )
    elif facts.redis:
        kind = "takes the password" if facts.has_password else "is on this machine"
        yield ok(Check.REDIS_PASSWORD, f"Redis {kind}", where=facts.redis_at)


def policy(facts: Facts) -> Iterator[Finding]:
    """Whether it may throw away what is needed."""
    if facts.redis is None or facts.redis.policy is None:
        return
    if facts.redis.policy == "noeviction":
        yield ok(Check.REDIS_POLICY, "maxmemory-policy is noeviction")
        return
    yield problem(
        Check.REDIS_POLICY,
        "when it is full, Redis throws away leases and messages: models are loaded "
        "twice, and tasks vanish",
        where=facts.redis_at,
        evidence=f"maxmemory-policy {facts.redis.policy}",
        next_step="redis-cli CONFIG SET maxmemory-policy noeviction, and the same in "
        "its configuration file",
    )


def memory(facts: Facts) -> Iterator[Finding]:
    """Whether it has room, on its disk too."""
    told = facts.redis
    if told is None:
        return
    found = []
    if told.max_bytes and told.used_bytes > NEARLY_FULL * told.max_bytes:
        part = told.used_bytes / told.max_bytes
        make = problem if part > FULL else warning
        found.append(
            make(
                Check.REDIS_MEMORY,
                "Redis is nearly full; once it is, workers end and nothing can be sent",
                where=facts.redis_at,
                evidence=f"{part:.0%} of maxmemory {told.max_bytes // 2**20} MiB",
                next_step="raise maxmemory, or find out who else fills it: "
                "redis-cli --bigkeys",
            )
        )
    if not told.is_saving:
        found.append(
            problem(
                Check.REDIS_MEMORY,
                "Redis cannot write its data to its disk, and may refuse every command "
                "that changes something",
                where=facts.redis_at,
                evidence="rdb_last_bgsave_status or aof_last_write_status is not ok",
                next_step="make room on its disk; its log tells more",
            )
        )
    yield from found
    if not found:
        limit = f" of {told.max_bytes // 2**20}" if told.max_bytes else ""
        what = f"{told.used_bytes / 2**20:.1f}{limit} MiB are used"
        yield ok(Check.REDIS_MEMORY, what)
