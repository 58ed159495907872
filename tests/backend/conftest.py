"""What several modules here read: the synthetic shop and its usual prompts."""

from pathlib import Path

import pytest

from backend.commerce.prompts import build_prompts
from backend.commerce.synthetic import build_commerce_db
from backend.records import PromptRecord


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_commerce_db(tmp_path_factory.mktemp("shop") / "commerce.db")


@pytest.fixture(scope="module")
def prompts(shop: Path) -> list[PromptRecord]:
    return build_prompts(shop)
