"""A small study: two seeds, an ideal run and a curve of two points."""

import pytest

from hvae.studies import grid as studies

TEXT = """
title = "small"
models = ["tdh-vae"]
seeds = [0, 1]
images = 20
[base]
"data.image_size" = 7
"data.train_limit" = 32
"training.batch_size" = 16
"training.epochs" = 1
"training.validation_samples" = 0
"training.eigenvalue_samples" = 0
"model.hidden" = 6
"model.latent" = 2
"optimizer.name" = "sgd"
"optimizer.learning_rate" = 0.05
[chip]
"array.device" = "soft-bounds"
[curves]
"array.dw_min" = [0.002, 0.02]
"""


@pytest.fixture
def study(tmp_path) -> studies.Study:
    path = tmp_path / "study.toml"
    path.write_text(TEXT)
    return studies.load(path)
