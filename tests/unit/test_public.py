"""The public names: complete, lazy, and the same for people and for type checkers."""

import ast
from pathlib import Path

import pytest

import maskwright


def test_every_public_name_leads_somewhere() -> None:
    for name in maskwright.__all__:
        assert getattr(maskwright, name) is not None


def test_the_list_the_lookup_and_the_types_agree() -> None:
    tree = ast.parse(Path(maskwright.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == maskwright._PUBLIC
    assert sorted(maskwright.__all__) == sorted([*typed, "__version__"])


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'maskwright' has no attribute 'trian'"):
        _ = maskwright.trian


def test_completion_offers_the_public_names() -> None:
    assert {"check", "train", "evaluate", "load", "read_dataset"} <= set(dir(maskwright))
