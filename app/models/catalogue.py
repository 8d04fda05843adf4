"""The models this server offers, in the order people see them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from app.models.interface import Model, ModelFailure, ModelInfo


class Catalogue:
    """An ordered, immutable set of models with one default.

    The default is the model whose `info.default` is set, else the first.
    """

    def __init__(self, models: Iterable[Model]) -> None:
        self._models: dict[str, Model] = {}
        for model in models:
            if model.info.id in self._models:
                raise ValueError(f"Two models have the id {model.info.id!r}; each must be offered once.")
            self._models[model.info.id] = model
        if not self._models:
            raise ValueError("A server needs at least one model to offer.")
        chosen = [model.info.id for model in self._models.values() if model.info.default]
        if len(chosen) > 1:
            raise ValueError(f"Only one model can be the default, not {' and '.join(chosen)}.")
        self.default_id: str = chosen[0] if chosen else next(iter(self._models))

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models

    def __repr__(self) -> str:
        return f"<Catalogue {', '.join(self._models)} default={self.default_id}>"

    def infos(self) -> list[ModelInfo]:
        """List the models for a dashboard snapshot; exactly one of them is the default."""
        return [replace(model.info, default=model.info.id == self.default_id) for model in self]

    def find(self, model_id: str | None) -> Model:
        """Look up a model; `None` or `""` means the default.

        Raises:
            ModelFailure: `model_not_available`, this server does not offer it.
        """
        model = self._models.get(model_id or self.default_id)
        if model is None:
            raise ModelFailure(
                "model_not_available", "This server does not offer that model. Choose another one from the list."
            )
        return model

    async def warm(self) -> None:
        """Warm every model, one after the other, so that the loop stays free for people."""
        for model in self:
            await model.warm()

    async def close(self) -> None:
        """Close every model, even when one of them fails to close."""
        errors: list[Exception] = []
        for model in self:
            try:
                await model.close()
            except Exception as error:  # noqa: BLE001 - collected, and raised below once all are closed
                errors.append(error)
        if errors:
            raise ExceptionGroup("some models did not close", errors)
