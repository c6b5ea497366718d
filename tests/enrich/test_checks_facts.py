"""What the checks may not take for a fault in good answers, nor miss in bad ones."""

import pytest

from companion.enrich.checks import CHECKS
from companion.enrich.checks.checked_answer import CheckedAnswer
from companion.enrich.checks.shape import whole_sentences
from companion.prompts import load_prompts

PROMPTS = load_prompts()


def answer_of(title: str, note: str, text: str, field: str = "description") -> CheckedAnswer:
    told = PROMPTS.instructions(PROMPTS.fields[field])
    return CheckedAnswer(PROMPTS.fields[field], text, text, title, note, note, told)


def found(check: str, answer: CheckedAnswer) -> bool:
    return CHECKS[check](answer) is not None


ENDS = [
    pytest.param("วิธีทำปุ๋ยหมักจากเศษอาหารและใบไม้ โดยกลับกองทุกสองสามสัปดาห์", True, id="th"),
    pytest.param("ການເຮັດຝຸ່ນບົ່ມຈາກໃບໄມ້", True, id="lo"),
    pytest.param("របៀបធ្វើជីកំប៉ុស្តពីស្លឹកឈើ។", True, id="km"),
    pytest.param("សេចក្តីណែនាំអំពីជីកំប៉ុស្ត", True, id="km without a sign"),
    pytest.param("သစ်ရွက်များမှ မြေဆွေးပြုလုပ်နည်း။", True, id="my"),
    pytest.param("Ինչպես են տերևները դառնում հող։", True, id="hy"),
    pytest.param("باورچی خانے کے فضلے سے کھاد بنانے کا طریقہ۔", True, id="ur"),
    pytest.param("ከቅጠሎች ማዳበሪያ እንዴት እንደሚሠራ።", True, id="am"),
    pytest.param("Πώς γίνονται τα φύλλα χώμα;", True, id="el"),
    pytest.param("पत्तों से खाद बनाने की विधि।", True, id="hi"),
    pytest.param(".NET is a free platform for building apps.", True, id=".NET"),
    pytest.param(".gitignore tells git which files to leave out.", True, id=".gitignore"),
    pytest.param("!important wins over every other rule of a style sheet.", True, id="!important"),
    pytest.param("Bread that is worth the wait 🍞", True, id="an emoji"),
    pytest.param("How leaves become earth, with", False, id="broken off"),
    pytest.param("How leaves become earth in a heap", False, id="without a full stop"),
    pytest.param("How leaves become earth (in a heap)", False, id="a bracket"),
    pytest.param(". How leaves become earth in a heap.", False, id="a full stop first"),
    pytest.param("...how leaves become earth in a heap.", False, id="three"),
    pytest.param("วิธีทำปุ๋ยหมักจากเศษอาหาร (และใบไม้", False, id="th, broken off"),
]


@pytest.mark.parametrize(("text", "is_whole"), ENDS)
def test_unfinished(text: str, is_whole: bool) -> None:
    assert found("unfinished", answer_of("Compost", "", text)) is not is_whole


CALLOUT_ENDS = [
    pytest.param("He asked “what did we decide?”", True, id="a question"),
    pytest.param("爱因斯坦把它称为“鬼魅般的超距作用”", True, id="a quotation"),
    pytest.param("Leaves become earth (in a year or so)", True, id="a bracket"),
    pytest.param("Leaves become earth (in a year", False, id="an open bracket"),
    pytest.param("Leaves become earth in a", False, id="broken off"),
    pytest.param("It is important because\n\nIt feeds.", False, id="a paragraph broken off"),
    pytest.param("Turn it (in a year\n\nIt feeds.", False, id="an open bracket in a paragraph"),
    pytest.param("It takes two things:\n\n- air\n- rain\n\nIt feeds.", True, id="a list"),
    pytest.param("**Air**\n\nIt needs some.", True, id="a heading"),
    pytest.param("Turn it so:\n\n```\nturn\n\nheap\n```\n\nIt feeds.", True, id="code"),
]


@pytest.mark.parametrize(("text", "is_whole"), CALLOUT_ENDS)
def test_unfinished_callout(text: str, is_whole: bool) -> None:
    assert found("unfinished", answer_of("Compost", "", text, "callout")) is not is_whole


def test_text_without_full_stops_is_whole() -> None:
    text = "ปุ๋ยหมัก พ.ศ. 2540 ทำจากใบไม้"
    assert whole_sentences(text) == text


LISTS = [
    pytest.param("2 means that it worked, 3 means that it moved, 4 means that it failed.", False),
    pytest.param("A, which shows that B, shows that C, and by that shows that D.", False),
    pytest.param(
        "In machine learning, supervised learning differs from unsupervised machine learning, and"
        " both from deep learning within machine learning at large.",
        False,
    ),
    pytest.param(
        "Supervised machine learning, deep machine learning and online machine learning.",
        False,
    ),
    pytest.param("Machine learning tools, machine learning books, machine learning jobs.", False),
    pytest.param("Kerzen ziehen: Kerzen ziehen, Kerzen ziehen und Wachs.", True),
    pytest.param("Words of winter, winter songs of words, songs of winter words in songs.", True),
    pytest.param("Vectores, suma de vectores, producto vectorial de vectores.", False),
    pytest.param("Unit tests, integration tests, end-to-end tests: how many tests.", False),
    pytest.param("算法是解决问题的步骤，步骤是解决问题的算法，算法就是步骤。", True),
    pytest.param("Wie man aus Wachs und einem Docht in einer Form Kerzen gießt.", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "goes_round"), LISTS)
def test_repetition(text: str, goes_round: bool) -> None:
    title = "Making candles" if "candles" in text else "Machine learning"
    assert found("repetition", answer_of(title, "", text)) is goes_round


HTML = "# HTML\n\nA paragraph stands in `<p>`, a link in `<a>`; `<br>` breaks a line.\n"
REGEX = "# Regex\n\n\\n is the end of a line, [0-9]+ are digits.\n"
JSON = '# JSON\n\n```json\n{"name": "Ada", "age": 36}\n```\n'
DUNDER = "# Dunder\n\nSpecial methods such as __init__ and __str__ have two on each side.\n"
SHOWN = [
    pytest.param("markup", HTML, "How <p> opens a paragraph and </p> ends it.", False, id="tags"),
    pytest.param("markup", "", "If a < b and b < c, then b > a.", False, id="less"),
    pytest.param("markup", "", "If p < q and q = 3, then s > p.", False, id="less and equal"),
    pytest.param("markup", REGEX, "What \\n and [0-9]+ stand for.", False, id="an escape"),
    pytest.param("markup", DUNDER, "How __init__ and __str__ work.", False, id="dunder"),
    pytest.param("markup", JSON, 'An object such as {"name": "Ada"} has keys.', False, id="JSON"),
    pytest.param("markup", HTML, "How a paragraph opens.</div>", True, id="after it"),
    pytest.param("markup", "Bread.", "How <p> opens a paragraph.", True, id="no tags there"),
    pytest.param("markup", "Bread.", 'A <a href="x">link</a> to bread.', True, id="attributes"),
    pytest.param("markup", "Bread.", "A line<br/>break.", True, id="one closed at once"),
    pytest.param("markup", "Bread.", "Bread\\n\\nand butter.", True, id="no escapes there"),
    pytest.param("markup", "Bread.", "How __bread__ is made.", True, id="no dunder there"),
    pytest.param("markup", DUNDER, "How __Dunder methods__ work.", True, id="bold"),
    pytest.param("markup", JSON, '{"description": "An object has keys."}', True, id="all JSON"),
    pytest.param("markup", JSON, '"text": "An object has keys."', True, id="JSON first"),
    pytest.param("markup", "Bread.", 'Bread, {"name": "Ada"}, and more.', True, id="no JSON there"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "note", "text", "is_fault"), SHOWN)
def test_what_the_note_shows(check: str, note: str, text: str, is_fault: bool) -> None:
    assert found(check, answer_of("Notes", note, text)) is is_fault


MIXED = [
    pytest.param("堆肥把落叶变成泥土，and the heap is turned every few weeks。", True, id="zh"),
    pytest.param("Компост зреет in a heap that is turned once a month весь год.", True, id="ru"),
    pytest.param("堆肥：add, commit, push, pull, merge 等命令的用法。", False, id="commands"),
    pytest.param("堆肥用 rake and fork 翻动，每隔几周一次。", False, id="a few words"),
    pytest.param("堆肥的英文是 to turn a heap of leaves。", False, id="words of the note"),
]


@pytest.mark.parametrize(("text", "is_mixed"), MIXED)
def test_no_answer_changes_its_language(text: str, is_mixed: bool) -> None:
    note = "把厨余和落叶堆在一起（to turn a heap of leaves），每隔几周翻动一次。"
    if text.startswith("К"):
        note = "Листья и отходы гниют в куче, которую переворачивают раз в месяц."
    assert found("language", answer_of("Compost", note, text)) is is_mixed


BREAD = (
    "A simple bread of flour, water, salt and yeast, baked in a hot oven for a long time. Over a"
    " million loaves are sold; the mill is near the park. Adapt the electron oven. Stay free."
)
KOMPOST = "Küchenabfälle und Laub kommen auf einen Haufen, der alle paar Wochen umgesetzt wird."
DUIFEI = "把厨余和落叶堆在一起，每隔几周翻动一次，直到变成深色的泥土。"
KNOWN = [
    pytest.param("Work for 25 minutes.", "Twenty-five minutes of work.", id="25"),
    pytest.param("A book of 1949.", "Orwell's nineteen forty-nine.", id="a year in words"),
    pytest.param("Guardar el diez por ciento.", "Ahorrar un 10 % del sueldo.", id="es"),
    pytest.param("Стоит 40 минут.", "Стоит около сорока минут.", id="ru, a case"),
    pytest.param("Cervantes, 1547–1616.", "Un autor de los siglos XVI y XVII.", id="Roman"),
    pytest.param(BREAD, "Two loaves a day, ten a week, hundreds a year.", id="small and round"),
]  # fmt: skip


@pytest.mark.parametrize(("note", "text"), KNOWN)
def test_known_numbers(note: str, text: str) -> None:
    assert not found("numbers", answer_of("Notes", note, text))


UNKNOWN = [
    pytest.param("Jane Austen was born in 1775.", "A novelist of the 17th century.", id="century"),
    pytest.param("Made in 1994.", "Made 90 times.", id="no decade"),
]


@pytest.mark.parametrize(("note", "text"), UNKNOWN)
def test_unknown_numbers(note: str, text: str) -> None:
    assert found("numbers", answer_of("Notes", note, text))


NAMED = [
    pytest.param("Grieg was born in Bergen, Norway.", "The Norwegian composer Grieg.", id="Norway"),
    pytest.param("Andersen was born in Denmark.", "The Danish author Andersen.", id="Denmark"),
    pytest.param("It comes from Finland.", "The Finnish way to bathe.", id="Finland"),
    pytest.param("Cheese from Switzerland.", "A Swiss dish of cheese.", id="Switzerland"),
    pytest.param("A citadel of Peru.", "A Peruvian citadel in stone.", id="Peru"),
    pytest.param("A tax on carbon dioxide.", "A tax on CO2 emissions.", id="CO2"),
    pytest.param("模型通过海量文本训练。", "大语言模型（LLM）的训练。", id="zh, in brackets"),
    pytest.param("递归神经网络记住过去。", "递归神经网络（RNN）的原理。", id="zh, another"),
    pytest.param("How to fix a tyre.", "A DIY guide, with FAQ and PDF.", id="DIY"),
    pytest.param("Web interfaces.", "Two of the web APIs that take URLs and JSON.", id="APIs"),
    pytest.param("The mean of a data frame.", "The mean of a DataFrame.", id="DataFrame"),
    pytest.param("Нил — река.", "О реке: разливы Нила весной.", id="Нил"),
    pytest.param("Beans grow.", "Beginner's guide to beans: Today's way to grow.", id="no name"),
    pytest.param(KOMPOST, "Küchenabfälle kompostieren im Garten.", id="de, short"),
    pytest.param("", "Warum Haustiere Beute heimbringen und am Tag schlafen.", id="de, alone"),
    pytest.param(KOMPOST, "Wie Anfänger Fehler beim Umsetzen vermeiden.", id="de, two nouns"),
    pytest.param(KOMPOST, "Wie man nach Bedarf Laub auf einen Haufen von Hand umsetzt.", id="de"),
]  # fmt: skip


@pytest.mark.parametrize(("note", "text"), NAMED)
def test_known_names(note: str, text: str) -> None:
    assert not found("names", answer_of("Notes", note, text))


STRANGERS = [
    pytest.param(BREAD, "Simple bread of flour and water, by Tim Miller.", id="time and mill"),
    pytest.param(BREAD, "Simple bread, first baked by Ron Parker.", id="electron and park"),
    pytest.param(BREAD, "The Parker method of baking simple bread.", id="park"),
    pytest.param(BREAD, "Simple bread as baked by Ada Freeman.", id="free"),
    pytest.param("They dominate it.", "Bread as baked by Dominic.", id="no adjective"),
    pytest.param(BREAD, "Simple bread, as sold by NordBake.", id="a brand"),
    pytest.param(BREAD, "A Swedish bread of flour and water.", id="a country"),
    pytest.param("Роман.", "Роман о дороге; Тынянов видел в ней ключ.", id="ru, after a semicolon"),
    pytest.param(DUIFEI, "Halvorsen 提出的堆肥方法，把厨余和落叶堆成泥土。", id="zh"),
    pytest.param("Хлеб и сон.", "Как печь хлеб: советует Соня.", id="ru, sleep"),
    pytest.param("Harina y agua.", "La masa según Xavier Barriga.", id="es"),
]  # fmt: skip


@pytest.mark.parametrize(("note", "text"), STRANGERS)
def test_unknown_names(note: str, text: str) -> None:
    assert found("names", answer_of("Notes", note, text))
