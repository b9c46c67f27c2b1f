"""What a source says of place and year."""

from __future__ import annotations

import pytest

from knowledge_base.source import basis_of, parse_sources


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[已核 S17 2024 桂]", "依据：2024年广西的说法"),
        ("[已核 S17 2024-05 桂·岑溪] [常识 待核]", "依据：2024年广西岑溪的说法"),
        ("[已核 S38 2026 国] [已核 S39 2026 国]", "依据：2026年全国的说法"),
        ("[已核 S36 2021 外·四川] [已核 S52b 外]", "依据：2021年外省四川、外省的说法"),
        ("[已核 S48 桂·柳江]", "依据：广西柳江的说法"),
        (
            "[已核 S01 2021 桂] [已核 S02 2022 桂] [已核 S03 2023 桂] [已核 S04 2024 桂]",
            "依据：2021年广西、2022年广西、2023年广西等的说法",
        ),
        ("[常识 待核]", "是一般的说法，还没有核实"),
        ("[已核 S26]", "是一般的说法，还没有核实"),
    ],
)
def test_the_basis_names_years_and_places(written: str, said: str) -> None:
    """Checked facts by year and place, each once, at most three; what is not checked is said to be so."""
    assert basis_of(parse_sources(written)) == said
