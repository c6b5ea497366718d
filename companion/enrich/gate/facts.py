"""Does an answer name what the note does not: names and numbers of the model's own?

A description may not, nor may a callout that a small model makes up from the title alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import UNSPACED, count_unspaced, fold

_NUMBER = re.compile(r"\d+(?:[.,'’ \u00a0\u202f]\d{3})+(?!\d)|\d+")
_NO_DIGITS = re.compile(r"[.,'’ \u00a0\u202f](?=\d)")
_SMALL = 1  # digits of a number that may be a count of what the note lists
_FEW = 12  # what such a count may be in words
_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_ROMAN = re.compile(r"\b(?=[IVX]{2})(X{0,3})(IX|IV|V?I{0,3})\b")
_YEARS = re.compile(r"\b(\d\d)\d\d[-–/](\d\d)\b")  # 1939–45
_CENTURY = re.compile(r"centur|jahrhundert|siecle|siglo|secol|seculo|\bвек|столети|世纪|世紀|eeuw")
_DECADE = re.compile(r"\d0(?:['’]?s|er|年代|-[еиых])")

# Numbers in words, folded: English, German, Spanish, Russian. Without once and mil, which are
# English words of other meanings.
_IN_WORDS = """
1 one first ein uno одн один перв
2 two second zwei dos два две двух втор
3 three third drei tres три трех трет
4 four vier cuatro четыр четверт
5 five fif funf cinco пят
6 six sechs seis шест
7 seven sieben siete сем седьм
8 eight eigh acht ocho восем восьм
9 nin neun nueve девят
10 ten zehn diez десят
11 eleven elf одиннадцат
12 twelv twelf zwolf doce двенадцат
13 thirteen dreizehn trece тринадцат
14 fourteen vierzehn catorce четырнадцат
15 fifteen funfzehn quince пятнадцат
16 sixteen sechzehn dieciseis шестнадцат
17 seventeen siebzehn diecisiete семнадцат
18 eighteen achtzehn dieciocho восемнадцат
19 nineteen neunzehn diecinueve девятнадцат
20 twenty twentie zwanzig veinte veint двадцат
30 thirty thirtie dreissig treinta тридцат
40 forty fortie vierzig cuarenta сорок
50 fifty fiftie funfzig cincuenta пятьдесят пятидесят
60 sixty sixtie sechzig sesenta шестьдесят шестидесят
70 seventy seventie siebzig setenta семьдесят семидесят
80 eighty eightie achtzig ochenta восемьдесят восьмидесят
90 ninety ninetie neunzig noventa девяност
100 hundred hundert cien ciento сто ста
1000 thousand tausend тысяч
"""
_UNITS = {
    word: int(value)
    for value, *words in map(str.split, _IN_WORDS.strip().split("\n"))
    for word in words
}
_UNIT = re.compile("|".join(sorted(_UNITS, key=len, reverse=True)))
_SPELLED = re.compile(
    rf"((?:{_UNIT.pattern})(?:(?:und|i)?(?!ten)(?:{_UNIT.pattern}))*+)"
    "(?:s|ths?|(?:s?t)?e[nrsm]?|[ьиыоеюая]?[гмхия]?[оуи]?)"
)
_LETTERS = re.compile(rf"[^\W\d_{UNSPACED}]+")
_HAN = re.compile("[一二三四五六七八九十两兩〇零百千万萬]+")
_HAN_DIGITS = dict(zip("〇一二三四五六七八九零两兩", [*range(10), 0, 2, 2], strict=True))
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}

_WORD = re.compile(rf"[^\W\d_{UNSPACED}][^\W_{UNSPACED}]*")
_OPENS = re.compile(r"(?:^|[.!?…:;•|/—–]|\s-)[\s\"'“”‘’„«»(\[¿¡*_]*$|[\"“„«(\[¿¡]$")
_BEFORE = 12  # characters that tell whether a word opens a sentence
_STEM, _ENDING = 4, 3  # letters that stay the same in another form, letters that may change
_TITLE_CASE = 0.6  # of the words capitalised: a headline, in which capitals mean nothing
_BEGINNING = 2000  # characters of the note that tell its language
_MOST_NAMES = 200  # that are looked up
_MOST_PARTS = 6  # of a name such as DataFrame
_MOST_INITIALS = 400  # words of the note that an abbreviation may stand for
# Capitals that give no name of the model's own: languages, peoples, days, "I"; what abbreviates
# no name: a PDF, an API, CO2.
_CAPITALISED = """
i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february march
april may june july august september october november december english french german spanish
italian portuguese dutch russian chinese japanese korean arabic latin greek european american
british african asian western eastern internet web ok pdf url ai
ac api ascii cd cli cms co2 cpu crm css csv dc diy dna dns dvd ebook eu faq ftp gb gpu gps gui h2o
hdd html http https id ide io ip isbn it json kb ki km led llm mb ml nlp os pc phd png pr qr ram
rgb rna rom rss sdk seo sim sms sql ssd ssh ssl svg tb tcp tls tv udp ui uk un unicode uri us usa
usb utf ux uv vat vpn wifi wi fi sci xml yaml zip ии ес сша св санкт saint sankt
"""
_ORDINARY = frozenset(_CAPITALISED.split())
# Forms of one name that do not begin alike enough.
_ONE_NAME = """
denmark danish dane danes; scotland scottish scots; finland finnish finn finns; ireland irish
switzerland swiss schweiz; norway norwegian; poland polish; wales welsh; france french
netherlands dutch holland; spain spanish spaniard; greece greek; rome roman; naples neapolitan
venice venetian; thailand thai; iceland icelandic; descartes cartesian; лев льва льву львом льве
england english; britain british
"""
_FAMILIES = [frozenset(line.split()) for line in re.split(r"[;\n]", _ONE_NAME) if line]
_ADJECTIVE = re.compile(r"[a-z]{0,2}(?:i?ans?|ish|ese|ics?|i[sz]ms?|ists?)")
_PLURAL = ({"", "s"}, {"", "es"}, {"y", "ies"})
_CASES = frozenset(["", "а", "у", "е", "ы", "и", "я", "ю", "ь", "о", "ом", "ем", "ои", "еи", "ою"])
_KIN = re.compile(r"(?:s?s[eo]n|man|ez|off?|s?k[iy]|ard|[оеё]в|ин|[ое]ва|ина|[ое]вич|[ое]вна)$")
_FLEETING = re.compile(r"[еоь](?=[бвгджзклмнпрстфхц]$)")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMERONYM = re.compile(r"([a-z])(\d+)([a-z])")  # k8s, i18n
_EXPLAINED = re.compile(r"(?<=\w)\s?[(（](?:[A-Z][A-Z0-9]{1,5}s?|[A-Z]\d+[a-z])[)）]")
_COMMON_IN_GERMAN = """
der die das und ist sind für mit von zu im den dem des ein eine einen einer wie auf aus als oder
wird werden nicht über durch bei nach sich auch zur zum
"""
_GERMAN = frozenset(_COMMON_IN_GERMAN.split())
_GERMAN_NAME = re.compile(
    r"\b(?:von|nach|durch|laut|[Aa]utor(?:in)?|Herrn?|Frau|Dr\.|Prof(?:\.|essor(?:in)?))"
    r" ([A-ZÄÖÜ][a-zäöüß]+) ([A-ZÄÖÜ][a-zäöüß]+)"
)
# Who does what at the beginning of a sentence is a name, but for these.
_ACTS = re.compile(
    r"([A-Z][a-z]+)(?:['’]s(?= [a-z])| (?=(?:wrote|invented|founded|discovered|coined|proposed)\b))"
)
_ANYBODY = """
author beginner child children city company country customer day dev developer earth employee
everybody everyone family father he it man men mother nature one parent patient person people
player programmer reader scientist she someone student teacher team that they this today tomorrow
tourist traveler traveller user we what who woman women world writer year yesterday you baker cook
gardener buyer bird dog cat here how let there where
"""
_NOBODY = frozenset(_ANYBODY.split())

_RETRY = "Leave out every name and number that the note does not have."


def find_unknown_numbers(said: Said) -> Fault | None:
    """Return the fault of an answer with a number that neither note nor title has.

    In digits or in words. Numbers of one digit, and words up to twelve, are spared: they may count
    what the note lists; also a hundred, and other round ones. Of a year its century is known.
    """
    if said.field.name != "description" and not said.from_title:
        return None
    numbers = [number for number in _numbers(said.text) if len(number) > _SMALL]
    numbers += [
        str(value) for value in _spelled(said.text) if value > _FEW and not _is_round(value)
    ]
    known = _known_numbers(said) if numbers else set()
    for number in numbers:
        if number not in known:
            return Fault("numbers", f"has a number that the note has not ({number})", _RETRY)
    return None


def find_unknown_names(said: Said) -> Fault | None:
    """Return the fault of an answer with a name that neither note nor title has.

    Names are words with a capital inside a sentence, or with capitals or digits within; in texts
    of Chinese and other scripts without capitals, the words in Latin letters with a capital. In
    German, where every noun has a capital, only those of the second kind, and two words that
    follow "von". An abbreviation in brackets explains what stands before it.
    """
    if said.field.name != "description" and not said.from_title:
        return None
    text = _EXPLAINED.sub(" ", unicodedata.normalize("NFC", said.text))
    names = list(dict.fromkeys(islice(_names(text, said.note), _MOST_NAMES)))
    pairs = _GERMAN_NAME.findall(text)
    if not names and not pairs:
        return None
    note = _read_words(said)
    unknown = [name for name in names if not _is_known(name, note)]
    if _are_initials_known(unknown, said.source):
        unknown = []
    unknown += [
        last for first, last in pairs if not (_is_known(first, note) or _is_known(last, note))
    ]
    if not unknown:
        return None
    return Fault("names", f"names what the note does not (“{unknown[0]}”)", _RETRY)


def _known_numbers(said: Said) -> set[str]:
    source = unicodedata.normalize("NFKC", f"{said.title}\n{said.note}")
    known = {*_numbers(source), *map(str, _spelled(source))}
    known.update(f"{first}{last}" for first, last in _YEARS.findall(source))
    known.update(f"{match[1]}0000" for match in re.finditer(r"(\d+) ?[万萬]", source))
    years = [int(number) for number in known if len(number) in (3, 4)]
    if _CENTURY.search(fold(said.text)):
        known.update(str(year // 100 + 1) for year in years)
        known.update(str((year - 1) // 100 + 1) for year in years)
    if _DECADE.search(said.text):
        known.update(str(year // span * span) for year in years for span in (10, 100))
        known.update(str(year % 100 // 10 * 10) for year in years)
    return known


def _numbers(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text)):
        number = _NO_DIGITS.sub("", match[0])
        yield number.lstrip("0") or "0"


def _is_round(value: int) -> bool:
    return str(value).strip("0") == "1"


def _spelled(text: str) -> Iterator[int]:
    """Yield the numbers that stand there in words, in Roman numerals or in Han signs."""
    for match in _ROMAN.finditer(text):
        yield 10 * len(match[1]) + _ONES.index(match[2])
    for match in _HAN.finditer(text):
        if (value := _value_of_han(match[0])) is not None:
            yield value
    yield from _in_letters(fold(text))


def _in_letters(text: str) -> Iterator[int]:
    value, last, end = 0, 0, 0
    for word in _LETTERS.finditer(text):
        if not (units := _units_in(word[0])):
            continue
        if value and not _goes_on(last, units[0], text[end : word.start()]):
            yield value
            value = 0
        for last in units:
            value = _add(value, last)
        end = word.end()
    if value:
        yield value


@lru_cache(maxsize=4096)
def _units_in(word: str) -> tuple[int, ...]:
    """Return what a word is made of: 20 and 5 of veinticinco and fünfundzwanzig; else nothing."""
    found = _SPELLED.fullmatch(word)
    units = tuple(_UNITS[unit] for unit in _UNIT.findall(found[1])) if found else ()
    return units[::-1] if "und" in word and len(units) == 2 and units[0] < 10 else units


def _goes_on(last: int, unit: int, gap: str) -> bool:
    """Return whether a unit is part of the number that ends with another: 5 after 20."""
    if gap not in (" ", "-", " and ", " y "):
        return False
    if gap == " and ":
        return last >= 100 > unit
    return (
        last >= 100
        or unit >= 100
        or (last >= 20 and unit < 10)
        or (_FEW < last < 20 and unit >= 10)
    )


def _add(value: int, unit: int) -> int:
    """Return the number with one more unit; nineteen and eighty are a year."""
    if unit >= 100:
        return value // 1000 * 1000 + (value % 1000 or 1) * unit
    return value * 100 + unit if _FEW < value < 20 and unit >= 10 else value + unit


def _value_of_han(signs: str) -> int | None:
    """Return the number that Han signs stand for: 320 for 三百二十, 1997 for 一九九七."""
    if signs[0] not in "一二三四五六七八九十两兩":
        return None
    if all(sign in _HAN_DIGITS for sign in signs):
        year = "".join(str(_HAN_DIGITS[sign]) for sign in signs)
        return int(year) if len(year) == 4 else None
    total = part = digit = 0
    for sign in signs:
        if sign in _HAN_DIGITS:
            digit = _HAN_DIGITS[sign]
        elif sign in _HAN_UNITS:
            part, digit = part + (digit or 1) * _HAN_UNITS[sign], 0
        else:
            total, part, digit = total + (part + digit) * 10_000, 0, 0
    return total + part + digit


def _names(text: str, note: str) -> Iterator[str]:
    words = [word for word in _WORD.finditer(text) if not _ROMAN.fullmatch(word[0])]
    if count_unspaced(text) * 2 > sum(len(word[0]) for word in words):
        yield from (word[0] for word in words if len(word[0]) > 1 and not word[0].islower())
        return
    capitals_mean = not _is_german(words, note) and not _is_title_case(words)
    for word in words:
        if len(word[0]) < 2:
            continue
        inner = word[0][1:]
        is_odd = inner != inner.lower() or any(map(str.isdigit, inner))
        is_name = word[0][0].isupper() and capitals_mean and not _may_be_any(text, word)
        if is_odd or is_name:
            yield word[0]


def _may_be_any(text: str, word: re.Match[str]) -> bool:
    """Return whether the word opens a sentence, in which any word has a capital."""
    if not _OPENS.search(text[max(0, word.start() - _BEFORE) : word.start()]):
        return False
    acts = _ACTS.match(text, word.start())
    return not acts or acts[1].endswith("s") or acts[1].lower() in _NOBODY


def _is_german(words: list[re.Match[str]], note: str) -> bool:
    own = sum(word[0].lower() in _GERMAN for word in words)
    return own > 1 or len(_GERMAN.intersection(note[:_BEGINNING].lower().split())) > 2


def _is_title_case(words: list[re.Match[str]]) -> bool:
    long = [word[0] for word in words[1:] if len(word[0]) > 3]
    return sum(word[0].isupper() for word in long) > _TITLE_CASE * max(len(long), 3)


class _Words(NamedTuple):
    """The words of a note and its title, folded. names: those that always have a capital."""

    source: str
    words: frozenset[str]
    names: frozenset[str]
    initials: str


def _read_words(said: Said) -> _Words:
    spelled = set(_WORD.findall(unicodedata.normalize("NFC", f"{said.title}\n{said.note}")))
    parts = {part for word in spelled if not word[1:].islower() for part in _PARTS.findall(word)}
    lower = {fold(word) for word in spelled if word[0].islower()}
    names = {fold(word) for word in spelled if word[0].isupper()} - lower
    words = lower | names | {fold(word) for word in spelled | parts}
    return _Words(said.source, frozenset(words), frozenset(names), _initials(said.source))


def _is_known(name: str, note: _Words) -> bool:
    word = fold(name)
    if _ORDINARY & {word, word.removesuffix("s")} or word in note.words:
        return True
    if any(word in family and family & note.words for family in _FAMILIES):
        return True
    if name.isupper() and len(word) > 2 and word in note.initials:
        return True
    if _is_put_together(name, note):
        return True
    alike = [other for other in note.words if other[:3] == word[:3]]
    return _is_numeronym(word, note) or any(_is_form(word, other, note) for other in alike)


def _is_put_together(name: str, note: _Words) -> bool:
    """Return whether a name such as DataFrame stands there in its parts, or as df."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    if not 1 < len(parts) <= _MOST_PARTS or "".join(parts) != name.lower():
        return False
    initials = "".join(part[0] for part in parts)
    apart = r"\b" + r"[\W_]*".join(parts)
    return initials in note.words or bool(re.search(apart, note.source))


def _is_numeronym(word: str, note: _Words) -> bool:
    found = _NUMERONYM.fullmatch(word)
    ends = found.groups() if found else ()
    return any((other[0], str(len(other) - 2), other[-1]) == ends for other in note.words)


def _is_form(word: str, other: str, note: _Words) -> bool:
    """Return whether a name is another form of a word of the note, which is a name as a rule.

    Plurals; adjectives (Peruvian of Peru); cases: Нила of Нил. But no son's name of the father's.
    """
    pairs = zip(f"{word} ", f"{other}  ", strict=False)
    same = next(at for at, (one, another) in enumerate(pairs) if one != another)
    ending, rest = word[same:], other[same:]
    if {ending, rest} in _PLURAL:
        return True
    if _KIN.search(ending) or _KIN.search(rest):
        return False
    shorter, longer = sorted((ending, rest), key=len)
    is_name = other in note.names
    is_stem = len(shorter) < 2 or (is_name and len(shorter) <= _ENDING)
    if same >= _STEM and _ADJECTIVE.fullmatch(longer):
        return is_stem or bool(_ADJECTIVE.fullmatch(shorter))
    if not is_name:
        return False
    if same >= max(_STEM, len(word) - _ENDING) and len(rest) <= _ENDING:
        return True
    return bool(_CASES.issuperset({ending, rest})) or word in {
        _FLEETING.sub("", other) + case for case in _CASES
    }


def _initials(source: str) -> str:
    """Return the first letters of the words; of numbers all: wwii of World War II."""
    words = _WORD.findall(source[: _MOST_INITIALS * 8])[:_MOST_INITIALS]
    return "".join(word if _ROMAN.fullmatch(word.upper()) else word[0] for word in words)


def _are_initials_known(names: list[str], source: str) -> bool:
    """Return whether the names spell out an abbreviation that the note uses."""
    initials = "".join(fold(name)[0] for name in names)
    return len(initials) > 2 and bool(re.search(rf"\b{re.escape(initials)}s?\b", source))
