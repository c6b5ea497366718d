"""What the gate may not take for a fault in good answers, and what it may not miss in bad ones."""

from __future__ import annotations

import pytest

from companion.enrich.gate import CHECKS, Said, what_was_told
from companion.enrich.gate.unfinished import whole_sentences
from companion.prompts import load_prompts

PROMPTS = load_prompts()


def said(title: str, note: str, text: str, field: str = "description") -> Said:
    told = what_was_told(PROMPTS, PROMPTS.fields[field])
    return Said(PROMPTS.fields[field], text, text, title, note, note, told)


def found(check: str, answer: Said) -> bool:
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
    pytest.param("How leaves become earth; and how;", False, id="no question in English"),
    pytest.param(". How leaves become earth in a heap.", False, id="a full stop first"),
    pytest.param("...how leaves become earth in a heap.", False, id="three"),
    pytest.param("วิธีทำปุ๋ยหมักจากเศษอาหาร (และใบไม้", False, id="th, broken off"),
]


@pytest.mark.parametrize(("text", "is_whole"), ENDS)
def test_unfinished(text: str, is_whole: bool) -> None:
    assert found("unfinished", said("Compost", "", text)) is not is_whole


CALLOUT_ENDS = [
    pytest.param("He asked “what did we decide?”", True, id="a question"),
    pytest.param("爱因斯坦把它称为“鬼魅般的超距作用”", True, id="a quotation"),
    pytest.param("Leaves become earth (in a year or so)", True, id="a bracket"),
    pytest.param("Enjoy your bread! ❤️", True, id="a heart"),
    pytest.param("Leaves become earth (in a year", False, id="an open bracket"),
    pytest.param("Leaves become earth in a", False, id="broken off"),
]


@pytest.mark.parametrize(("text", "is_whole"), CALLOUT_ENDS)
def test_unfinished_callout(text: str, is_whole: bool) -> None:
    assert found("unfinished", said("Compost", "", text, "callout")) is not is_whole


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
    pytest.param("Making candles, making candles, and making candles.", True),
    pytest.param("How to sell wax by making candles, making candles and making candles.", True),
    pytest.param("Plants turn light, plants turn water, and plants turn air to sugar.", True),
    pytest.param("Kerzen ziehen: Kerzen ziehen, Kerzen ziehen und Wachs.", True),
    pytest.param("Делать свечи, делать свечи и делать свечи.", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "goes_round"), LISTS)
def test_repetition(text: str, goes_round: bool) -> None:
    title = "Making candles" if "candles" in text else "Machine learning"
    assert found("repetition", said(title, "", text)) is goes_round


HTML = "# HTML\n\nA paragraph stands in `<p>`, a link in `<a>`; `<br>` breaks a line.\n"
REGEX = "# Regex\n\n\\n is the end of a line, [0-9]+ are digits.\n"
JSON = '# JSON\n\n```json\n{"name": "Ada", "age": 36}\n```\n'
DUNDER = "# Dunder\n\nSpecial methods such as __init__ and __str__ have two on each side.\n"
SHOWN = [
    pytest.param("markup", HTML, "How <p> opens a paragraph and </p> ends it.", False, id="tags"),
    pytest.param("markup", HTML, "Pages are made of <h1>, <div> and more.", False, id="other tags"),
    pytest.param("markup", HTML, "In the end comes </ul> .", False, id="a tag at the end"),
    pytest.param("markup", "", "If a < b and b < c, then b > a.", False, id="less"),
    pytest.param("markup", "", "If p < q and q = 3, then s > p.", False, id="less and equal"),
    pytest.param("markup", REGEX, "What \\n and [0-9]+ stand for.", False, id="an escape"),
    pytest.param("markup", DUNDER, "How __init__ and __str__ work.", False, id="dunder"),
    pytest.param("json", JSON, 'An object such as {"name": "Ada"} has keys.', False, id="JSON"),
    pytest.param("markup", HTML, "< p>How a paragraph opens.< /p>", True, id="around it"),
    pytest.param("markup", HTML, "How a paragraph opens.</div>", True, id="after it"),
    pytest.param("markup", "Bread.", "How <p> opens a paragraph.", True, id="no tags there"),
    pytest.param("markup", "Bread.", 'A <a href="x">link</a> to bread.', True, id="attributes"),
    pytest.param("markup", "Bread.", "A line<br/>break.", True, id="one closed at once"),
    pytest.param("markup", "Bread.", "Bread\\n\\nand butter.", True, id="no escapes there"),
    pytest.param("markup", "Bread.", "How __bread__ is made.", True, id="no dunder there"),
    pytest.param("markup", DUNDER, "How __Dunder methods__ work.", True, id="bold"),
    pytest.param("json", JSON, '{"description": "An object has keys."}', True, id="all JSON"),
    pytest.param("json", JSON, '"text": "An object has keys."', True, id="JSON first"),
    pytest.param("json", "Bread.", 'Bread, {"name": "Ada"}, and more.', True, id="no JSON there"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "note", "text", "is_fault"), SHOWN)
def test_what_the_note_shows(check: str, note: str, text: str, is_fault: bool) -> None:
    assert found(check, said("Notes", note, text)) is is_fault


FOREIGN = [
    pytest.param("Для анализа данных берут numpy и pandas, а ставят их через pip.", False),
    pytest.param("Вместе с grep часто используют sed и awk, которые меняют строки.", False),
    pytest.param("Самые известные серверы — nginx и Apache, а проверяют на localhost.", False),
    pytest.param("Если нужна точная вёрстка, лучше взять html.", False),
    pytest.param("Цикл for проходит по списку, а оператор in проверяет вхождение.", False),
    pytest.param("Логические операторы and, or и not объединяют условия.", False),
    pytest.param("Ключевое слово this указывает на объект.", False),
    pytest.param("在 Python 中最常见的是 for 循环和 while 循环，前者遍历序列。", False),
    pytest.param("使用for循环遍历列表，逐个处理元素。", False),
    pytest.param("箭头函数中的 this 指向外层作用域，而普通函数中的 this 取决于调用方式。", False),
    pytest.param("关键字 is 用来比较两个对象。", False),
    pytest.param("繰り返し処理には for 文や while 文を使います。", False),
    pytest.param("Смесь муки и воды and соли, в которой живут дрожжи.", True),
    pytest.param("Смесь муки и воды, абстрактный concept, в котором живут дрожжи.", True),
    pytest.param("Дрожжи живут в муке, because им нужна еда.", True),
    pytest.param("Это очень important для теста и хлеба.", True),
    pytest.param("Смесь муки и воды, в которой живyт дрожжи.", True),
    pytest.param("Дріжджі живуть у борошні with водою.", True),
    pytest.param("野生酵母和乳酸菌的 any面包，酵头由面粉和水制成。", True),
    pytest.param("酵头由面粉and水制成，每天喂两次。", True),
    pytest.param("酵母は小麦粉 with 水で育ちます。", True),
    pytest.param("函any数可以接受多个参数，并返回结果。", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "is_garbled"), FOREIGN)
def test_garbled(text: str, is_garbled: bool) -> None:
    assert found("garbled", said("", "", text)) is is_garbled
