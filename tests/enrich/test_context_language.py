"""Which language a note is told to be in: its own, else that of the notes beside it."""

import socket
from inspect import unwrap
from pathlib import Path

import pytest

from companion.language import detection
from companion.language.detection import NoteLanguages, detect, language_named, name_language
from companion.note.note import ParsedNote
from companion.note.text import NoteText

TEXTS = {
    "English": "Bread rises when the yeast in the dough makes gas, and it wants time and warmth. "
    "Most people let it stand in the kitchen over night and bake it in the morning.",
    "German": "Der Teig geht auf, wenn die Hefe darin Gas bildet, und er braucht Zeit und Wärme. "
    "Die meisten Leute lassen ihn über Nacht in der Küche stehen und backen am Morgen.",
    "Spanish": "La masa sube cuando la levadura produce gas, y necesita tiempo y calor. La mayoría"
    " de la gente la deja en la cocina toda la noche y la hornea por la mañana.",
    "Russian": "Тесто поднимается, когда дрожжи выделяют газ, и ему нужны время и тепло. "
    "Большинство людей оставляет его на кухне на ночь, а утром печёт хлеб.",
    "Chinese": "面团里的酵母产生气体，面包就会发起来，这需要时间和温度。多数人让它过夜。",
    "Japanese": "生地の中の酵母がガスを出すと、パンは膨らみます。時間と温度が必要です。",
    "Korean": "반죽 속의 효모가 가스를 내면 빵이 부풀어 오르고, 시간과 온도가 필요합니다.",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Bread.md").write_text(f"{text}\n", encoding="utf-8")
    (tmp_path / "German" / "Broken.md").write_bytes(b"\xff\xfe")
    return tmp_path


def languages(vault: Path) -> NoteLanguages:
    return NoteLanguages(
        vault, [p.relative_to(vault).as_posix() for p in sorted(vault.rglob("*.md"))]
    )


NOTES = [
    *(pytest.param("Note.md", text, name, id=f"its own, {name}") for name, text in TEXTS.items()),
    pytest.param("German/Quittengelee.md", "", "German", id="beside it"),
    pytest.param("German/Quittengelee.md", TEXTS["Spanish"], "Spanish", id="its own first"),
    pytest.param("German/酸面包的做法.md", "", "Chinese", id="by the title's script"),
    pytest.param("Chinese/濠梁之辩.md", "", "Chinese", id="Han beside Chinese"),
    pytest.param("Japanese/反証可能性.md", "", "Japanese", id="Han beside Japanese"),
    pytest.param("Japanese/Dough.md", "", "Japanese", id="a name alone, another script"),
    pytest.param("Chinese/Docker Compose.md", "", "Chinese", id="a name of two words"),
    pytest.param("Korean/Standing desk.md", "- 높이 조절", "Korean", id="a list in the script"),
    pytest.param("Korean/Standing desk 높이.md", "", "Korean", id="a title in both"),
    pytest.param("Russian/Standing desk.md", "- высота", "Russian", id="a list, an alphabet"),
    pytest.param(
        "Korean/Wie man einen guten Sauerteig führt.md", "", "German", id="surely German words"
    ),
    pytest.param(
        "German/How to feed a sourdough starter every day.md", "", "English", id="surely English"
    ),
    pytest.param(
        "Japanese/計画.md", "要件定義、設計、試験。", "Japanese", id="Han beside Japanese, a text"
    ),
    pytest.param(
        "Chinese/ポモドーロ.md", "25分作業、5分休憩。", "Japanese", id="kana in the title"
    ),
    pytest.param("Chinese/Борщ.md", "Свёкла и мясо.", "Russian", id="its script, not beside it"),
    pytest.param("German/Борщ.md", "", "Russian", id="the title's alphabet"),
    pytest.param(
        "German/Sourdough.md",
        "Feed the starter with equal parts of flour and water every day.",
        "English",
        id="one sentence beside others",
    ),
    pytest.param("German/Bread.md", "Flour, water.", "German", id="two words beside others"),
    pytest.param("Russian/Самовар.md", "", "Russian", id="beside it, one alphabet of several"),
]


@pytest.mark.parametrize(("path", "text", "language"), NOTES)
def test_a_note_has_its_own_language_or_that_of_its_folder(
    vault: Path, path: str, text: str, language: str
) -> None:
    assert languages(vault).of(path, ParsedNote(NoteText(f"{text}\n"))) == language


def test_nothing_tells_the_language_of_a_lonely_stub(tmp_path: Path) -> None:
    assert languages(tmp_path).of("Quittengelee.md", ParsedNote(NoteText(""))) is None


def test_a_folder_of_stubs_has_the_language_of_the_vault(vault: Path) -> None:
    for name in TEXTS:
        (vault / name / "Bread.md").write_text(f"{TEXTS['German']}\n", encoding="utf-8")
    (vault / "Bread.md").write_text(f"{TEXTS['English']}\n", encoding="utf-8")
    spoken = languages(vault)
    assert spoken.of("Elsewhere/Note.md", ParsedNote(NoteText(""))) == "German"
    assert spoken.of("Note.md", ParsedNote(NoteText(""))) == "English"


TOLD = [
    ("German", "German", "German"),
    ("deutsch", "German", "German"),
    ("zh", "Chinese", "Chinese"),
    ("中文", "Chinese", "Chinese"),
    ("Simplified Chinese", "Simplified Chinese", "Chinese"),
    ("Serbian", "Serbian", None),
]


@pytest.mark.parametrize(("told", "named", "checked"), TOLD)
def test_a_language_may_be_told_by_its_code_or_own_name(
    told: str, named: str, checked: str | None
) -> None:
    assert name_language(told) == named
    assert language_named(named) == checked


def test_a_language_is_told_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no network here")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(detection, "_detector", unwrap(detection._detector))
    assert detect("Feed the starter with flour and water.")["English"] > 0.5
