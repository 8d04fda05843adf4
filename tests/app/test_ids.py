from hypothesis import given
from hypothesis import strategies as st

from app.ids import Mint
from protocol.ids import is_id


@given(st.integers(0, 36**20 - 1))
def test_every_id_is_legal_and_spells_its_number(number: int) -> None:
    minted = Mint(lambda _: number)("str")
    assert is_id(minted)
    assert int(minted.removeprefix("str_")[::-1], 36) == number


def test_ids_and_secrets_differ() -> None:
    mint = Mint()
    assert len({mint("msg") for _ in range(100)} | {mint.secret("tws") for _ in range(100)}) == 200
    assert len(mint.secret("tws")) == len("tws_") + 43  # 256 bits in base64url
