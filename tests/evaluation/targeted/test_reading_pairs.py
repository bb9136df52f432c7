"""Files of pairs and of cloze items, and what is said of those that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.targeted.reading import apart, read_cloze, read_pairs

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def write(path, records):
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path


def test_lines_of_json_and_tables_say_the_same(tmp_path):
    lines = write(
        tmp_path / "a.jsonl",
        [
            {"sentence_good": "a b", "sentence_bad": "b a", "linguistics_term": "order", "UID": "ab"},
            {"sentence_good": "他 来", "sentence_bad": "来 他", "phenomenon": "order", "paradigm": "zh"},
        ],
    )
    table = tmp_path / "b.csv"
    table.write_text("good,bad,phenomenon,paradigm\na b,b a,order,ab\n他 来,来 他,order,zh\n")
    assert read_pairs([lines]) == read_pairs([table])
    assert len(read_pairs([tmp_path])) == 4


def test_of_each_paradigm_so_many_are_taken_evenly_spaced(tmp_path):
    records = [{"sentence_good": f"good {i}", "sentence_bad": "bad"} for i in range(10)]
    write(tmp_path / "one.jsonl", records)
    write(tmp_path / "two.jsonl", records[:2])
    found = read_pairs([tmp_path], each=3)
    assert [pair.good for pair in found] == ["good 1", "good 5", "good 8", "good 0", "good 1"]
    assert {pair.phenomenon for pair in found} == {"one", "two"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"sentence_good": "a"}\n', "line 1: the line holds no pair"),
        ('{"sentence_good": "a", "sentence_bad": "b"}\n\n[1]\n', "line 3: the line is no JSON object"),
        ('{"sentence_good": "a", "sentence_bad": "b"}\n{bad\n', "line 2: not JSON"),
        ("\n", "there is no pair"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, what):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_pairs([path])
    assert what in f"{error.value.where}: {error.value.what}".replace(f"{path}, ", "")


def test_a_file_that_is_missing_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_pairs([tmp_path / "none.jsonl"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no .jsonl or .csv file"):
        read_pairs([tmp_path / "empty"])
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_pairs([tmp_path / "latin.jsonl"])


def test_cloze_texts_have_a_last_word(tmp_path):
    path = write(tmp_path / "c.jsonl", [{"text": "he  opened the\ndoor"}, {"text": "one two"}])
    assert read_cloze([path]) == ["he opened the door", "one two"]
    write(path, [{"text": "alone"}])
    with pytest.raises(InputError, match="no text of at least two words"):
        read_cloze([path])


def test_signs_stand_apart_as_in_wikitext():
    assert apart("Katherine can't help herself.") == "Katherine can 't help herself ."
    assert apart("Who, then?") == "Who , then ?"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared corpora are not here")
def test_the_published_sets_are_read_whole():
    blimp = read_pairs([SHARED / "eval-blimp"])
    assert len(blimp) == 67_000
    assert len({pair.paradigm for pair in blimp}) == 67
    assert len({pair.phenomenon for pair in blimp}) == 13
    sling = read_pairs([SHARED / "eval-zh-sling"], each=5)
    assert {pair.phenomenon for pair in sling} >= {"Aspect", "Anaphor"}
