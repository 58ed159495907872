"""The parser: hand-made slips in hand-made settings, exact values, and never less than the seed or json-repair alone."""

import json
import string

import json_repair
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.seed_parser import seed_extract_json
from rewards import extract_json
from rewards.commerce.json_parsing import parse_json

# (what the model wrote, what it meant). ANY: an object must be found, but the text leaves its value open.
ANY = object()
SLIPS: list[tuple[str, object]] = [
    # valid JSON is returned untouched
    ('{"a": 1}', {"a": 1}),
    ('{"nota": 4.5, "itens": [1,2]}', {"nota": 4.5, "itens": [1, 2]}),
    ('{"a": [1,5, 2,7]}', {"a": [1, 5, 2, 7]}),
    ('{"a": "4,5"}', {"a": "4,5"}),
    ('{"a": ": 4,5,"}', {"a": ": 4,5,"}),
    ('{"a": {"b": {"c": []}}}', {"a": {"b": {"c": []}}}),
    ('{"a": "chave } dentro { do texto"}', {"a": "chave } dentro { do texto"}),
    ('{"a": "aspas \\" e barra \\\\"}', {"a": 'aspas " e barra \\'}),
    ('{"a": "\\u00e7\\u00e3o"}', {"a": "ção"}),
    ('{"a": true, "b": false, "c": null}', {"a": True, "b": False, "c": None}),
    ('{"a": -1e-3}', {"a": -0.001}),
    ('{"a": 1, "a": 2}', {"a": 2}),
    ('{"emoji": "🎁"}', {"emoji": "🎁"}),
    ("{}", {}),
    # Portuguese numbers in value position
    ('{"nota": 4,5}', {"nota": 4.5}),
    ('{"nota": 4,5, "itens": [1,2]}', {"nota": 4.5, "itens": [1, 2]}),
    ('{"nota":4,5,"b":1}', {"nota": 4.5, "b": 1}),
    ('{"a": 1.234,56}', {"a": 1234.56}),
    ('{"a": 12.345.678,90, "b": 1}', {"a": 12345678.9, "b": 1}),
    ('{"a": 1.234.567, "b": 1}', {"a": 1234567, "b": 1}),
    ('{"a": -4,5}', {"a": -4.5}),
    ('{"a": 0,75 }', {"a": 0.75}),
    ('{"a": 4,50\n}', {"a": 4.5}),
    ('{"a": {"b": 1,5}, "c": 2,5}', {"a": {"b": 1.5}, "c": 2.5}),
    ('{"a": [{"b": 1,5}, {"b": 2,5}]}', {"a": [{"b": 1.5}, {"b": 2.5}]}),
    ('{"a": R$ 12,90, "b": 1}', {"a": 12.9, "b": 1}),
    ('{"a": R$ 1.212,90}', {"a": 1212.9}),
    ('{"a": R$12}', {"a": 12}),
    ('{"a": 4,5 dias, "b": 1}', {"a": "4,5 dias", "b": 1}),
    ('{"a": 12,5%, "b": 1}', {"a": "12,5%", "b": 1}),
    ('{"a": "4,5", "b": 3,5}', {"a": "4,5", "b": 3.5}),
    ('{"a": "x: 4,5", "b": 3,5}', {"a": "x: 4,5", "b": 3.5}),
    ('{"a": 007}', {"a": 7}),
    # quotes
    ("{'a': 1}", {"a": 1}),
    ("{'a': 'texto', 'b': 2}", {"a": "texto", "b": 2}),
    ("{a: 1, b: 'dois'}", {"a": 1, "b": "dois"}),
    ("{“a”: “texto”, “b”: 2}", {"a": "texto", "b": 2}),
    ('{"a": texto, "b": 2}', {"a": "texto", "b": 2}),
    ('{"a": "ele disse "oi" e saiu", "b": 2}', ANY),
    ('{"a": "linha\nquebrada"}', {"a": "linha\nquebrada"}),
    # commas and colons
    ('{"a": 1,}', {"a": 1}),
    ('{"a": [1, 2,], "b": 3,}', {"a": [1, 2], "b": 3}),
    ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
    ('{"a": 4,5 "b": 2}', {"a": 4.5, "b": 2}),
    ('{"a": "x"\n"b": "y"}', {"a": "x", "b": "y"}),
    ('{"a" 1, "b": 2}', ANY),
    # literals
    ('{"a": True, "b": False, "c": None}', {"a": True, "b": False, "c": None}),
    ('{"a": TRUE, "b": 1}', ANY),
    ('{"a": verdadeiro}', {"a": "verdadeiro"}),
    ('{"a": NaN, "b": 1}', {"a": None, "b": 1}),
    ('{"a": Infinity, "b": -Infinity}', ANY),
    ('{"a": 1e999}', {"a": None}),
    # comments
    ('{"a": 1, // comentário\n"b": 2}', {"a": 1, "b": 2}),
    ('{"a": 1, /* comentário */ "b": 2}', {"a": 1, "b": 2}),
    ('{"a": 4,5, // nota\n"b": 2}', {"a": 4.5, "b": 2}),
    # cut
    ('{"a": 1, "b": "tex', {"a": 1, "b": "tex"}),
    ('{"a": 1, "b": ', ANY),
    ('{"a": 1, "b"', ANY),
    ('{"a": 1,', {"a": 1}),
    ('{"a": 1', {"a": 1}),
    ('{"a": {"b": 1', {"a": {"b": 1}}),
    ('{"a": [1, 2', {"a": [1, 2]}),
    ('{"nota": 4,5', {"nota": 4.5}),
    ('{"a": "', ANY),
    # two objects: the first counts
    ('{"a": 1} {"a": 2}', {"a": 1}),
    ('{"a": 1}\n{"a": 2}', {"a": 1}),
    ('{"a": 4,5} {"a": 2}', {"a": 4.5}),
    ("{'a': 1} {\"a\": 2}", {"a": 1}),
    ('[{"a": 1}, {"a": 2}]', {"a": 1}),
    ('{{"a": 1}}', {"a": 1}),
]
SETTINGS = [
    "{}",
    "```json\n{}\n```",
    "```\n{}\n```",
    "```JSON\n{}\n```\n",
    "Segue o resultado:\n{}",
    "Segue:\n```json\n{}\n```\nEspero ter ajudado!",
    "<think>o cliente gostou {{talvez}}</think>\n{}",
    "<think>um</think><think>dois</think>{}",
    "\ufeff{}",
    "\n\n   {}  \n",
]
CASES = [(setting.replace("{}", slip), meant) for slip, meant in SLIPS for setting in SETTINGS]


def test_there_are_more_than_three_hundred_cases() -> None:
    assert len({text for text, _ in CASES}) > 300


@pytest.mark.parametrize(("text", "meant"), CASES)
def test_the_object_is_found_with_the_value_that_was_meant(text: str, meant: object) -> None:
    found = extract_json(text)
    assert isinstance(found, dict)
    if meant is ANY:
        return
    assert found == meant
    assert json.dumps(found) == json.dumps(meant)  # 1 is not True, 1 is not 1.0


@pytest.mark.parametrize("text", [t for t, _ in CASES])
def test_never_less_than_the_seed_or_json_repair_alone(text: str) -> None:
    if isinstance(seed_extract_json(text), dict) or isinstance(json_repair.loads(text), dict):
        assert extract_json(text) is not None


@pytest.mark.parametrize(
    "text",
    ["", " ", "oi", "[1, 2]", "null", "3", '"texto"', "a: 1", "}", "<think>", "<think>{\"a\": 1}", "```json\n```", "{campo}", "use {campo} aqui"],
)  # fmt: skip
def test_where_there_is_no_object(text: str) -> None:
    assert extract_json(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('Use {campo} assim: {"a": 1}', {"a": 1}),
        ('{nome}, segue: {"a": 4,5}', {"a": 4.5}),
        ('{"a": "<think>"}', {"a": "<think>"}),
        ('texto {"a": "```"} fim', {"a": "```"}),
        ('```json\n{"a": 1,\n```\nE mais texto "solto".', {"a": 1}),
    ],
)
def test_prose_around_does_not_hide_the_object(text: str, value: dict) -> None:
    assert extract_json(text) == value


def test_whether_strict_json_sufficed_is_told() -> None:
    assert parse_json('Segue: {"a": 1}').strict
    assert not parse_json('{"a": 4,5}').strict
    assert parse_json('{"a": 4,5}', repair=False).value is None
    assert parse_json('{"a": 1}', repair=False).value == {"a": 1}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5)
PROSE = st.text(alphabet=string.ascii_letters + " .,:;!?áéíóúãõç\n", max_size=60)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(OBJECTS, PROSE, PROSE, st.sampled_from(["{}", "```json\n{}\n```", "```\n{}\n```"]), st.booleans())
def test_any_object_comes_back_from_prose_and_fences(value, before, after, fence, pretty) -> None:
    written = json.dumps(value, ensure_ascii=not pretty, indent=2 if pretty else None)
    assert extract_json(written) == value
    assert extract_json(before + "\n" + fence.replace("{}", written) + "\n" + after) == value
