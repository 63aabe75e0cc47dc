"""The lines that ship: how many, how long, whose; and how a text becomes lines."""

import lzma
import re
from itertools import pairwise

import pytest
from spatialdrama_corpora.scripts.clean import clean, main, to_table
from spatialdrama_corpora.scripts.cut import LONGEST, SHORTEST, lines_of
from spatialdrama_corpora.scripts.lengths import spoken_seconds
from spatialdrama_corpora.scripts.library import library
from spatialdrama_corpora.scripts.sources import Turn, read_turns

from spatialdrama.errors import ValidationError

WORDS = ("corn", "bread", "thirst", "hunger", "rakes", "pikes", "gods", "belly", "senate")


class TestWhatShips:
    def test_eighteen_thousand_different_lines_in_both_languages(self):
        said = [text for scene in library() for _, text in scene.lines]
        different = {re.sub(r"\W", "", text.casefold()) for text in said}
        assert len(different) == len(said) >= 18_000
        for language in ("en", "zh"):
            lines = sum(len(s.lines) for s in library() if s.language == language)
            assert lines > 0.4 * len(said)

    def test_every_line_is_written_in_its_language_and_is_no_stage_direction(self):
        for scene in library():
            for _, text in scene.lines:
                han = re.search(r"[\u4e00-\u9fff]", text)
                latin = re.search(r"[A-Za-z]", text)
                assert bool(han) == (scene.language == "zh"), text
                assert bool(latin) == (scene.language == "en"), text
                assert not re.search(r"[\[\](){}<>&$\d_（）【】]", text), text
                assert text == text.strip()

    def test_lines_can_be_said_in_2_to_12_seconds(self):
        # By letters a second of audio books (12 to 20) and syllables of Mandarin (3.5 to 6.5).
        for scene in library():
            slow, fast = (11.0, 22.0) if scene.language == "en" else (3.3, 7.5)
            for _, text in scene.lines:
                letters = sum(c.isalpha() or c == " " for c in text)
                assert letters / fast < LONGEST, text
                assert letters / slow > 0.8 * SHORTEST, text

    def test_scenes_have_several_speakers_who_take_turns(self):
        for scene in library():
            assert len(scene.speakers) >= 2, scene.name
            assert 6 <= len(scene.lines) <= 42, scene.name
        turns = [a != b for s in library() for (a, _), (b, _) in pairwise(s.lines)]
        assert sum(turns) > 0.3 * len(turns)

    def test_authors_and_works_are_named(self):
        authors = {(s.author, s.language) for s in library()}
        assert authors == {("William Shakespeare", "en"), ("曹雪芹", "zh"), ("鲁迅", "zh")}
        assert len({s.work for s in library()}) == 14

    @pytest.mark.slow
    def test_the_voice_can_read_every_line(self):
        import spatialdrama as sd

        voice = sd.load_voice("kokoro")
        for scene in library():
            who = "am_adam" if scene.language == "en" else "zf_xiaobei"
            for _, text in scene.lines:
                voice.check(text, identity=who, language=scene.language)


class TestCutting:
    def test_no_word_of_a_long_turn_is_lost(self):
        turn = (
            "Now is the winter of our discontent made glorious summer by this sun of York; and "
            "all the clouds that lour'd upon our house in the deep bosom of the ocean buried. "
            "Now are our brows bound with victorious wreaths; our bruised arms hung up for "
            "monuments; our stern alarums changed to merry meetings."
        )
        lines = lines_of(turn)
        assert " ".join(lines) == turn
        assert len(lines) > 2
        assert all(SHORTEST <= spoken_seconds(line) <= LONGEST for line in lines)

    def test_mandarin_is_joined_without_spaces(self):
        turn = "若说你性灵，却又如此质蠢，并更无奇贵之处。如此也只好踮脚而已。" * 3
        assert "".join(lines_of(turn, "")) == turn

    def test_too_short_is_left_out(self):
        assert lines_of("Ay.") == []


class TestSources:
    def test_verse_becomes_prose_and_headlines_go(self, tmp_path):
        (tmp_path / "play.txt").write_text(
            "First Citizen:\nBefore we proceed any further, hear me speak.\n\n"
            "WARWICK:\nWhat shouts are these, and he must speak with me,\n"
            "And bring the crown -- the ROYAL crown -- to-morrow.\n3 KING HENRY VI\n\n"
            "All:\nSpeak, speak.\n\nBRUTUS:\nWhat costs it, 5 $ or more?\n"
        )
        turns = read_turns(tmp_path / "play.txt")
        assert [t.speaker for t in turns] == ["First Citizen", "Warwick"]
        assert turns[1].work == "Coriolanus"
        assert turns[1].text == (
            "What shouts are these, and he must speak with me, and bring the crown— the Royal "
            "crown— to-morrow."
        )

    def test_mandarin_that_is_no_speech_is_dropped(self, tmp_path):
        (tmp_path / "lines.tsv").write_text(
            "work\tspeaker\ttext\n红楼梦\t宝玉\t‘你放心’，我知道了。\n红楼梦\t-\t通灵宝玉\n"
            "呐喊\t-\t阿Ｑ，你这浑小子！\n红楼梦\t-\t（下）去罢。\n",
            encoding="utf-8",
        )
        turns = read_turns(tmp_path / "lines.tsv")
        assert [(t.speaker, t.text) for t in turns] == [("宝玉", "你放心，我知道了。")]

    def test_another_kind_of_file_is_refused(self, tmp_path):
        with pytest.raises(ValidationError, match=r"\.txt or \.tsv"):
            read_turns(tmp_path / "play.pdf")


class TestCleaning:
    @staticmethod
    def turns(count):
        return [
            Turn("Play", "Nobody", "en", "AB"[i % 2], f"This is a line with the letters {'x' * i}"
                 " at its end, which makes it long enough to say.")
            for i in range(count)
        ]  # fmt: skip

    def test_what_was_there_before_or_cannot_be_read_is_left_out(self):
        def check(text, language):
            if "xxxxx" in text:
                raise ValidationError("no such sound")

        made = clean([*self.turns(8), *self.turns(3)], check)
        assert made.left_out == {"too short or long": 0, "there before": 3, "unreadable": 3}

    def test_a_table_comes_back_as_it_was(self, tmp_path):
        made = clean(self.turns(12))
        path = tmp_path / "lines.tsv"
        path.write_text(to_table(made.scenes))
        (scene,) = library(str(path))
        assert scene.lines == tuple((t.speaker, t.text) for t in self.turns(12))

    def test_unnamed_lines_are_given_to_two_in_turn(self, tmp_path):
        path = tmp_path / "lines.tsv"
        path.write_text(">W\tA\tzh\n-\t一\n宝玉\t二\n-\t三\n-\t四\n", encoding="utf-8")
        assert [s for s, _ in library(str(path))[0].lines] == ["甲", "宝玉", "乙", "甲"]

    def test_a_row_that_is_none_is_named(self, tmp_path):
        path = tmp_path / "lines.tsv"
        path.write_text(">W\tA\ten\nno tab here\n")
        with pytest.raises(ValidationError, match="row 2"):
            library(str(path))

    def test_the_command_gives_the_same_bytes_twice(self, tmp_path, capsys):
        source = tmp_path / "play.txt"
        said = "\n\n".join(
            f"{'AB'[i % 2]}:\nBefore we proceed any further, hear me speak of {w}, good citizens."
            for i, w in enumerate(WORDS)
        )
        source.write_text(said + "\n")
        for name in ("one.xz", "two.xz"):
            assert main([str(source), "--out", str(tmp_path / name), "--voice", "kokoro"]) == 0
        one, two = ((tmp_path / n).read_bytes() for n in ("one.xz", "two.xz"))
        assert one == two
        assert lzma.decompress(one).decode().count("Before we proceed") == 9
        assert "9 lines in 1 scenes" in capsys.readouterr().out
