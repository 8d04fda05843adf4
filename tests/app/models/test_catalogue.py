import pytest

from app.models.catalogue import Catalogue
from app.models.demo import DemoModel
from app.models.interface import Model, ModelFailure, ModelInfo
from app.models.retrieval import Library


class Named(DemoModel):
    def __init__(self, name: str, *, default: bool = False, breaks: bool = False) -> None:
        super().__init__(Library([]))
        self.info = ModelInfo(name, name.title(), default)
        self.breaks = breaks
        self.closed = False

    async def close(self) -> None:
        self.closed = True
        if self.breaks:
            raise OSError("no")


def test_order_is_kept_and_the_first_is_the_default_unless_one_says_so() -> None:
    assert Catalogue([Named("a"), Named("b")]).default_id == "a"
    catalogue = Catalogue([Named("a"), Named("b", default=True)])
    assert [(info.id, info.default) for info in catalogue.infos()] == [("a", False), ("b", True)]
    assert catalogue.find(None).info.id == "b"
    assert catalogue.find("a").info.id == "a"


def test_an_unknown_model_is_not_available() -> None:
    with pytest.raises(ModelFailure) as failure:
        Catalogue([Named("a")]).find("gpt")
    assert failure.value.code == "model_not_available"


@pytest.mark.parametrize("models", [[], [Named("a"), Named("a")], [Named("a", default=True), Named("b", default=True)]])
def test_a_catalogue_that_makes_no_sense_is_refused(models: list[Model]) -> None:
    with pytest.raises(ValueError):
        Catalogue(models)


async def test_all_models_are_closed_even_when_one_fails_to() -> None:
    models = [Named("a", breaks=True), Named("b")]
    with pytest.raises(ExceptionGroup):
        await Catalogue(models).close()
    assert all(model.closed for model in models)
