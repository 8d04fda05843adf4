from hypothesis import given
from hypothesis import strategies as st

from app.store.commands import body_hash
from app.store.queries import from_text, to_text, values_list
from tests.app.world import command

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
)


@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=4))
def test_g03_the_order_of_keys_is_no_difference(options: dict[str, object]) -> None:
    turned = dict(reversed(options.items()))
    bodies = [command("message.retry", id="x", chatId="c", options=given) for given in (options, turned)]
    assert body_hash(bodies[0]) == body_hash(bodies[1])


def test_g03_the_id_is_no_part_of_the_body_and_everything_else_is() -> None:
    assert body_hash(command("message.retry", chatId="c")) == body_hash(command("message.retry", chatId="c"))
    bodies = [
        command("message.retry", chatId="c"),
        command("message.regenerate", chatId="c"),
        command("message.retry", chatId="d"),
        command("message.retry", chatId="c", subscribe=False),
        command("message.retry", chatId="c", options={}),
    ]
    assert len({body_hash(body) for body in bodies}) == len(bodies)


@given(JSON)
def test_json_comes_back_from_a_column(value: object) -> None:
    assert from_text(to_text(value)) == value


def test_null_is_none() -> None:
    assert from_text(None) is None


def test_many_rows_are_one_insert() -> None:
    places, values = values_list(("a", "b"), [(1, 2), (3, 4)])
    assert places == "(:a0, :b0), (:a1, :b1)"
    assert values == {"a0": 1, "b0": 2, "a1": 3, "b1": 4}
