"""Celery's settings, flat; every lower-case name here is one of Celery's.

Values that a deployment decides come from `ollama_warmup.settings`. The rest was
measured on Celery 5.7.0 with Redis; docs/design.md, section 5, tells what each
group is for.
"""

from typing import Any as _Any

from ollama_warmup import warmlist as _warmlist
from ollama_warmup import wire as _wire
from ollama_warmup.settings import current as _current

_settings = _current()

# URL, key prefix, serializers, sockets: what the publisher of applications has too.
_agreed = _wire.agreed(_settings, connect_s=2, answer_s=10)
globals().update(_agreed)

_hosts = _warmlist.current().hosts
task_queues = [
    _wire.queue(_name)
    for _name in (_wire.CONTROL, _wire.TOUCH, _wire.PULL, *map(_wire.lane, _hosts))
]

# A child or worker that dies gives its task back, at most `max_retries` times.
task_acks_late = True
task_reject_on_worker_lost = True
task_retry_on_worker_lost = True
task_acks_on_failure = True
task_acks_on_timeout = True
worker_deduplicate_successful_tasks = True
# True would lose the task on a restart of Redis.
worker_cancel_long_running_tasks_on_connection_loss = False

# 300 s and 330 s of the default 900 s.
task_soft_time_limit = _settings.visibility_s // 3
task_time_limit = task_soft_time_limit + max(1, task_soft_time_limit // 10)

# What Flower and callers see.
task_track_started = True
worker_send_task_events = True
result_extended = True
result_expires = 3_600
result_failure_expires = 86_400

# An outage of Redis turns no finished task into a failure, and blocks no caller.
result_backend_always_retry = True
result_backend_max_retries = 15
result_backend_transport_options = _agreed["result_backend_transport_options"] | {
    "retry_policy": {
        "timeout": 5,
        "max_retries": 3,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 1,
    },
}

broker_transport_options = _agreed["broker_transport_options"] | {
    # Longest span without an ack, of 900 s: back-off 60 s, a slot 330 s, a run 330 s.
    # Whoever sets less may see a task run twice, which loads nothing twice.
    "visibility_timeout": _settings.visibility_s,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "max_retries": 3,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 1,
}
broker_connection_retry = True
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_pool_acquire_timeout = 5
task_publish_retry_policy = {
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}

# Time limits work in prefork alone. Children are never recycled: recycling would
# end the loads they hold.
worker_pool = "prefork"

worker_concurrency = min(max(2, 2 * len(_hosts)), 16)
worker_prefetch_multiplier = 1
worker_eta_task_limit = 100
worker_soft_shutdown_timeout = 20
worker_enable_soft_shutdown_on_idle = True
worker_consumer = "worker.consumer:ResilientConsumer"

# A tick that nobody took is void when the next one comes. Beat looks at its clock
# often enough to be on time, and can be asked how it is.
beat_schedule: dict[str, dict[str, _Any]] = {
    "reconcile": {
        "task": _wire.RECONCILE,
        "schedule": _settings.tick_s,
        "options": {
            "queue": _wire.CONTROL,
            "expires": 0.9 * _settings.tick_s,
            "ignore_result": True,
        },
    },
}
# One interval needs no memory, and a read-only root file system no place for it.
beat_scheduler = "worker.healthfile:Scheduler"
beat_max_loop_interval = min(_settings.tick_s, 10)
beat_enable_remote_control = True
beat_remote_control_max_tick_age = 60
