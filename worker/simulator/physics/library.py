"""The models on a server's disk and those that its registry offers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from worker.simulator.physics.models import Model
from worker.simulator.physics.names import Name, existing_name


class Library:
    """What is installed, by exact name, and what a pull can add."""

    def __init__(
        self,
        installed: Iterable[Model],
        *,
        registry: Iterable[Model] | None = None,
    ) -> None:
        """Start with some models installed.

        Args:
            installed: what is on the disk.
            registry: what a pull finds; None is a server without a network.
        """
        self._installed = {model.name: model for model in installed}
        self._registry = (
            None if registry is None else {model.name: model for model in registry}
        )

    @property
    def models(self) -> tuple[Model, ...]:
        """Everything installed, the latest change first, as `/api/tags` lists it."""
        return tuple(
            sorted(
                self._installed.values(),
                key=lambda model: (-model.modified_at, model.name.full),
            )
        )

    @property
    def is_online(self) -> bool:
        """Whether a registry can be reached."""
        return self._registry is not None

    def spelled(self, name: Name) -> Name:
        """Give a name the case of the models installed."""
        return existing_name(name, self._installed)

    def find(self, name: Name) -> Model | None:
        """Look a model up by its exact name."""
        return self._installed.get(name)

    def copy(self, source: Name, destination: Name, *, now: float) -> bool:
        """Give a model another name; False when there is no such model.

        Source: `server/images.go`, CopyModel: a copy onto itself always succeeds.
        """
        if source == destination:
            return True
        model = self._installed.get(source)
        if model is None:
            return False
        self._installed[destination] = replace(model, name=destination, modified_at=now)
        return True

    def create(
        self,
        name: Name,
        base: Model,
        *,
        parameters: Mapping[str, object],
        system: str = "",
        now: float,
    ) -> Model:
        """Lay parameters over a model's own; the weights stay shared.

        Source: `server/create.go`, createModel and setParameters.
        """
        model = replace(
            base,
            name=name,
            parameters={**base.parameters, **parameters},
            system=system or base.system,
            modified_at=now,
        )
        self._installed[name] = model
        return model

    def delete(self, name: Name) -> bool:
        """Remove a model; its runner, if it has one, stays. False when unknown."""
        return self._installed.pop(name, None) is not None

    def offered(self, name: Name) -> Model | None:
        """Look a model up in the registry."""
        return (self._registry or {}).get(name)

    def has_weights(self, model: Model) -> bool:
        """Whether a model's weights are on the disk, under whatever name."""
        return any(
            other.weights.digest == model.weights.digest
            for other in self._installed.values()
        )

    def pull(self, model: Model, *, now: float) -> None:
        """Install what the registry offers."""
        self._installed[model.name] = replace(model, modified_at=now)
