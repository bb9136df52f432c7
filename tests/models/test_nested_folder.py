import numpy as np

from lmcompare.files import check_folder
from lmcompare.models.mixture.cache import CacheModel, Recall
from lmcompare.models.nested_folder import load_members, save_with_members
from lmcompare.text.tokenizers.word import WordTokenizer


def test_members_are_kept_in_the_folder_and_read_back_in_order(tmp_path) -> None:
    words = WordTokenizer(["a", "b"])
    members = [CacheModel(words, Recall.of_order(order, over=False)) for order in (2, 3)]
    save_with_members(tmp_path / "model", "mixture", {"x": 1}, {"y": np.ones(2)}, words, members)
    (tmp_path / "model").rename(tmp_path / "moved")
    check_folder(tmp_path / "moved")
    found = load_members(tmp_path / "moved", {"members": 2})
    assert [len(member.recall.rates) for member in found] == [2, 3]
    assert sorted(path.name for path in (tmp_path / "moved").iterdir()) == [
        "manifest.json",
        "member-0",
        "member-1",
        "model.json",
        "tokenizer.json",
        "weights.safetensors",
    ]
