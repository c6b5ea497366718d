"""Does an answer say "I" where the note does not? Then it is the model that speaks.

Whoever explains a subject has no need to; who refuses, thinks aloud or makes conversation does.
"""

from __future__ import annotations

import re

from companion.enrich.checks import phrases, refusals
from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.words import fold

# The first person singular: pronouns; verbs where the language leaves the pronoun out. Not the
# numeral ("World War I"), not the ego of psychology (das Ich, 自我).
_I = re.compile(
    r"""
    \bI(?:['’](?:m|ll|ve|d)\b | \ (?:am|would|can|cannot|could|should|must|might|do|don|did
      |didn|have|need|want|think|believe|hope|know|prefer|apologi[sz]e)\b)
  | (?:^|[.!?,;:]\ |\b(?!type|phase|part|class|stage|chapter|volume)[a-z]+\ )I\ [a-z]
  | \b(?:[Mm]y|me|[Mm]yself)\b
  | (?<![Dd]as\ )(?<![Dd]em\ )\b(?:ich|mir|mich|mein(?:e[nmrs]?)?)\b
  | (?:^|[.!?:]\s)(?:Ich|Mein\w*)\s
  | \b(?:yo|conmigo)\b | \bmis?\ (?!bemol) | \b[Mm]e\ (?:gusta|tem|parec|has|pid|limit|qued|permit)
  | \b(?:[Pp]uedo|[Qq]uiero|[Nn]ecesito|[Dd]ebo|[Pp]refiero|[Cc]reo|[Ll]amento|[Ll]o\ siento
      |[Vv]oy\ a|[Tt]engo|[Dd]ispongo|[Ii]dentifico|[Rr]esumo|[Ee]ntiendo|[Ss]upongo|[Ee]stoy)\b
  | (?<![\w-])(?:[Яя]|[Мм]не|[Мм]еня|мно[йю]|(?<!не\ )[Мм]о(?:й|я|ё|и|его|ей|их|им|ими|ю))(?![\w-])
  | \b[Пп]одумаю | \b[Пп]освящу | \b[Нн]апишу | \b[Оо]пишу | \b[Пп]роверяю | \b[Нн]адеюсь
  | \b(?:j['’]\w|[Jj]e\ (?:suis|peux|ne|n['’]|vais|dois|pense)) | \b[Ee]u\ (?:não|sou|posso)
  | \b[Ii]k\ (?:ben|kan|heb|zou)\b
  | (?<![自忘本唯大小无無敌敵])我(?![们們国國军軍方省市校慢流])
  | (?<![公無])(?:私|僕|俺)(?![たち達有立的人小鉄財用信道服案物学])
  | \b(?:저는|제가|나는|내가)\b
    """,
    re.VERBOSE | re.MULTILINE,
)
_QUOTED = re.compile(r"[“„«「『《][^“”„«»「」『』《》]*[”“»」』》]|\"[^\"\n]*\"")

_RETRY = "Write about the subject itself; never say “I”, and leave out what you think of the task."


def find_first_person(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that speaks in the first person, where its note does not."""
    found = _I.search(_QUOTED.sub(" ", answer.text))
    if not found or _I.search(f"{answer.title}\n{answer.note}"):
        return None
    return Fault("voice", f"speaks of itself (“{' '.join(found[0].split())}”)", _RETRY)


_BEGINS = r"[^\w(（]{0,5}(?=[\w(（])"
_FIRST = rf"\A{_BEGINS}"
_OPENS = rf"(?:\A|[.!?…:]\s{{1,3}}|[。！？：…\n]){_BEGINS}"  # a sentence
_SIGN = "(?=[\u3005-\u9fff\uac00-\ud7a3\uff00-\uffef])"  # Chinese, Japanese, Korean
_FLAGS = re.VERBOSE | re.MULTILINE  # on small letters, which is faster than re.IGNORECASE


def _anywhere(words: str, signs: str) -> str:
    """Return a pattern that tries the words only where one begins: a text may be long."""
    return rf"\b(?:{words})|{_SIGN}(?:{signs})"


_META = re.compile(
    rf"(?P<self>{_anywhere(phrases.SELF_WORDS, phrases.SELF_SIGNS)})"
    rf"|{_FIRST}(?:(?P<first>{phrases.FIRST})|(?P<frame>{phrases.FRAME_FIRST}))"
    rf"|{_OPENS}(?:(?P<model>{phrases.AS_A_MODEL})|(?P<frame_later>{phrases.FRAME_LATER})"
    rf"|(?P<chatter>{phrases.CHATTER})|(?P<label>(?:{phrases.SPEAKERS})[*_]*\s?[:：]))"
    rf"|(?P<frame_within>{_anywhere(phrases.FRAME_WORDS, phrases.FRAME_SIGNS)})",
    _FLAGS,
)
_REFUSAL = re.compile(
    rf"(?P<first>{_FIRST}(?:{refusals.REFUSAL_FIRST})|^(?:{refusals.NOTHING})$)|{refusals.GAP}"
    rf"|{_anywhere(refusals.REFUSAL_WORDS, refusals.REFUSAL_SIGNS)}",
    _FLAGS,
)
_MODEL = re.compile(phrases.MODELS, _FLAGS)
_SHOWN = 40  # characters of what was found


def find_meta_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer about the note, the answer or the model.

    What answers a question may speak of the note.
    """
    for found in _META.finditer(answer.text.lower()):
        is_of_note = (found.lastgroup or "").startswith("frame")
        if not (is_of_note and answer.question) and not _is_own(found, answer):
            retry = "Write about the subject itself; never mention the note, the text or yourself."
            shown = _shown(found, answer.text)
            return Fault("meta", f"talks about the note or itself (“{shown}”)", retry)
    return None


def find_refusal(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that refuses, asks back or leaves a gap to fill in."""
    for found in _REFUSAL.finditer(answer.text.lower()):
        if not _is_own(found, answer):
            retry = "Go by the title and the text as they are; write what is asked for, no more."
            return Fault("refusal", f"is a refusal (“{_shown(found, answer.text)}”)", retry)
    return None


def _is_own(found: re.Match[str], answer: CheckedAnswer) -> bool:
    """Return whether the words are the title's, or the note's own: then they are its subject.

    Not what only a model says of itself, a label, or how a chat begins; of a note on models,
    words as in "as a language model" need only name one.
    """
    words = fold(_bare(found[0]))
    if words in fold(answer.title):
        return True
    if found.lastgroup in ("first", "label", "self"):
        return False
    if found.lastgroup == "model":
        return bool(_models(found[0]) & _models(f"{answer.title}\n{answer.note}".lower()))
    return words in answer.source


def _models(text: str) -> set[str]:
    return set(_MODEL.findall(text))


def _shown(found: re.Match[str], text: str) -> str:
    return _bare(text[found.start() : found.end()])[:_SHOWN]


def _bare(words: str) -> str:
    return " ".join(re.sub(r"^\W+|\W+$", "", words).split())


_ENOUGH = 3  # signs that an explanation may hold by chance; of the sure ones one is enough
_ALOUD = ("user", "draft", "aloud")  # what no answer to a question says

# English, German, Spanish, Russian, Chinese, Japanese; a sign a line or more, on small letters.
_SURE = r"""
  (?P<count>\b\d{2,3}\ ?(?:words|wörter|palabras|слов|zeichen|caracteres|символов)\b
  |\b(?:\w+ty|hundred)(?:[ -]\w+)?\ words\b|\b(?:\w+zig|hundert)\ wörter\b
  |\b(?:\w+enta|cien|ciento\ \w+)\ palabras\b|\b(?:\w+десят\w*|сорока?|девяноста?|ста?)\ слов\b
  |word\ count|wort(?:an)?zahl|recuento\ de\ palabras|количество\ слов|字数|文字数
  |\d{2,3}\ ?(?:到|至|-|–|~|〜)\ ?\d{2,3}\ ?(?:个?字|語|文字|words|wörter|palabras|слов))
| (?P<paragraphs>\b(?:two|three|2|3)\ (?:\w+\ )?paragraphs\b
  |\b(?:zwei|drei|2)\ (?:\w+\ )?absätzen?\b|\b(?:dos|tres|2)\ párrafos\b
  |\b(?:два|двух|двумя|три|2)\ абзац\w+|\bsecond\ paragraph:
  |(?:\A|[.!?]\ )in\ the\ (?:first|second|third)\ paragraph\b
  |\b(?:im|in\ den|für\ den)\ (?:ersten|zweiten|dritten)\ absatz\b
  |\b(?:en|para)\ el\ (?:primer|segundo|tercer)\ párrafo\b
  |\bво?\ (?:перв|втор|трет)\w+\ абзац\w*|(?:第[一二三]|最初の|次の)段落|(?:二|2|三)\ ?(?:つの)?段落
  |(?:分|写|用|共)(?:成|为)?[一二两兩](?:个|個)?段|第[一二]段[，：,:落])
| (?P<sentences>\bfour\ or\ five\ sentences\b|\bvier\ oder\ fünf\ sätzen?\b
  |\bcuatro\ o\ cinco\ (?:frases|oraciones)\b|\bчетыр\w+[ -](?:или\ )?пят\w+\ предложени\w+|四五句
  |四つか五つの文|\bwrite\ (?:in\ )?(?:whole|complete)\ sentences\b)
| (?P<user>(?:\A|[.!?]\s|[。！？]|\n)(?:(?:the|der|el|la)\ )?(?:user\ (?:wants|asks|asked
    |would\ like|needs\ me|is\ asking|request)|(?:be)?nutzer\ (?:will|möchte|fragt|verlangt|bittet)
    |usuario\ (?:quiere|pide|solicita|pregunta|desea)|пользовател\w+\ (?:хочет|просит|спрашивает)
    |用户(?:要求|想要?|希望|问|让我|需要我)|ユーザー[はが][^。]{0,15}(?:求め|望ん|尋ね|ほし|欲し
    |依頼)))
| (?P<lists>\b(?:no|without)\ (?:bullets?|lists?)\b|\bkeine\ (?:listen|aufzählung|links)
  |\b(?:sin|ni)\ (?:listas|enlaces)\b|\bбез\ (?:списков|ссылок|заголовк)
  |不要(?:使用)?(?:列表|链接|标题)|箇条書き(?:や|と|は|を|も))
| (?P<only>\b(?:write|answer)\ (?:only|nothing\ but)\ (?:this|that|the)\b|\bschreib\w*\ nur\b
  |\bescrib\w+\ (?:solo|solamente|únicamente)\b|\bпиши(?:те)?\ только\b|只(?:写|输出|回答)这
  |(?:これ|それ)だけを?(?:書|答え|出力))
| (?P<fresh>\bfresh\ words\b|\bfrische\w*\ wort|\bpalabras\ (?:nuevas|frescas)\b
  |\bсвежими\ словами\b|新鲜的?(?:词|字|语)|新しい言葉)
| (?P<keepers>\bpeople\ who\ keep\ notes\b|\bdie\ notizen\ (?:führen|machen|haben)\b
  |\bque\ (?:llevan|toman|guardan)\ notas\b|\bкотор\w+\ вед\w+\ (?:заметки|записи)
  |(?:做|记|写)笔记的人|(?:メモ|ノート)を[^。]{0,4}(?:取|と|つけ|書)[^。]{0,4}人)
| (?P<orders>\binstructions\ (?:\w+\ ){0,3}in\ (?:it|the\ note)\b
  |\banweisungen\b[^.]{0,30}\b(?:darin|notiz)|\binstrucciones\b[^.]{0,30}\bnota\b
  |\b(?:указани|инструкци)\w+\b[^.]{0,30}\b(?:заметк|в\ ней)|笔记[^。]{0,8}(?:指令|指示)
  |(?:ノート|メモ)[^。]{0,10}(?:指示|命令)(?:に|を))
| (?P<unsure>\bnot\ (?:sure|certain)\ (?:of|about)\ (?:a|any|the)\ (?:name|number|date|fact)
  |\bnicht\ sicher\ bist\b|\bno\ est(?:ás|á|és)\ segur|\bесли\ (?:ты\ |вы\ )?не\ увер
  |不确定[^。]{0,8}(?:名称|名字|人名|数字|日期)
  |(?:確か|確信|自信|確実)[^。]{0,6}な[いく][^。]{0,8}(?:名前|数字|日付|数や|名))
| (?P<draft>(?:\A|[.!?…:)\n]\s{0,3}|[。！？：])\W{0,3}(?:(?:first|second|final|rough|revised
    |new)\ )?(?:draft|attempt|reasoning|thoughts?|thinking|revision|final\ (?:answer|version)
    |answer|response|(?:option|version|variant|draft|attempt|try)\ (?:\d|[abc]|one|two)
    |(?:(?:erster|zweiter|neuer)\ )?(?:entwurf|versuch)|(?:(?:primer|segundo)\ )?intento|попытка
    |überlegung(?:en)?|(?:option|variante|version|fassung)\ (?:\d|[abc]|eins)|endfassung|antwort
    |borrador|razonamiento|(?:opción|variante|versión)\ (?:\d|[abc])|(?:versión|revisión
    |respuesta)\ final|respuesta|черновик|рассуждени[ея]|размышлени[ея]|вариант\ (?:\d|[абвabc]
    |перв\w+)|(?:итоговый|окончательный)\ (?:вариант|ответ)|ответ|(?:草稿|初稿|版本|下書き
    |草案)\ ?[一二三\d]?|修改稿|定稿|思考(?:过程)?|思路|推理|(?:选项|方案|版本)\ ?[一二三\dabc]
    |最终(?:答案|版本|稿)|回答|答案|下書き|草案|案\ ?[一二三\dabc]|最終(?:案|版|稿|回答)|思考|推敲
    |回答|答え)\ ?[)）]?[:：])
| (?P<aloud>(?:\A|[.!?…:)\n]\s{0,3}|[。！？：])\W{0,3}(?:wait|hmm+|okay|ok|alright|right
    |so),\ (?:now|so|let|but|the|i|we|this|maybe|no)\b
  |\bwe\ (?:need|have|want)\ to\ (?:write|produce|summari[sz]e|mention|craft|draft|rephrase)\b
  |\bfirst,?\ (?:i|we)\ (?:need|have)\ to\ (?:decide|figure|think|find|determine)\b
  |\bactually,\ (?:perhaps|maybe)\b|\büberlegen\ wir\b|\bdas\ passt\ in\ (?:einen|den)\ satz\b
  |\balso,\ es\ geht\ um\b|¿menciono\b|\bpienso\ que\ lo\ esencial\b|\bпример\ возьму\b
  |\blet['’]?s\ (?:write|draft|craft|rephrase|think)\b|\b(?:must|should)\ not\ (?:mention|repeat)\b
  |\blet\ me\ (?:think|see|start|try|put|check|count|write|rephrase)\b
  |\b(?:step|schritt|paso|шаг)\ \d\s?:\ (?:identify|decide|determine|combine|analy[sz]e|consider
    |write|summari|find\ the|choose|draft)|\b(?:no|nein|нет),\ (?:too|zu|demasiado|слишком)\b
  |\bzuerst\ das\ thema\b|\bdann\ die\ (?:haupt|kern)?punkte\b|\bvamos\ a\ pensar|\bpensarlo\b
  |\b(?:ahora\ )?lo\ redacto\b|\bno\ estoy\ segur|\bтеперь\ (?:запишу|сформулирую)\b
  |（(?:还)?(?:太短|太长)|(?:好像|似乎)太[短长]|先想一下|再改一[版遍稿]|主題を(?:決め|考え)
  |要点を入れ|\bvamos\ (?:paso\ a\ paso|a\ ver)\b|\bun\ momento[,:]|\bveamos[,:.]
  |\bahora\ (?:lo\ )?(?:uno|junto)\b|\bподумаем\b|\bмож(?:но|ем)\ отвечать\b|\bразбер[её]мся\b
  |(?:\A|[.!?]\ )так,|让我(?:想|看|们?先)|(?:\A|[。！？\n])(?:等等|嗯|好的?)[，,]
  |(?:应该|大概)(?:够了|可以了)|\Aまず[^。]{0,14}(?:考え|整理|まとめ)(?:る|よう|て|ます)
  |(?:れば|らば)(?:よ|良)さそう|(?:\A|[。！？\n])(?:さて|よし|うーん|ええと|えーと)[、，])
"""
_BY_CHANCE = r"""
  (?P<friend>\bto\ a\ friend\b|\beinem\ freund\b|\ba\ un\ amigo\b|\bдругу\b|[向给对]朋友|友人に)
| (?P<explain>\A\W{0,4}(?:explain|describe|write|erkläre?|beschreibe?|schreibe?|sage?|explica
    |escribe|di|resume|объясни|опиши|напиши|скажи)\b|\A\W{0,4}请?(?:解释|说明|描述|用一句话)
  |(?:説明|要約|記述)(?:してください|せよ|すること))
| (?P<plain>\bplain\ text\b|\bno\ markup\b|\bklartext\b
  |\bohne\ (?:auszeichnung|formatierung|markup)|\bsin\ (?:formato|marcado|markdown)
  |\btexto\ plano\b|\bбез\ (?:разметки|форматирования)|纯文本|不(?:带|使用|用|要)标记
  |プレーンテキスト|マークアップ|記号は使わ)
| (?P<subject>\bsubject\ first\b|\bthema\ zuerst\b|\bprimero\ el\ (?:tema|sujeto)\b
  |先(?:写|说)主[题语]|主[題语]を先)
| (?P<stop>\bfull\ stop\b|\bmit\ (?:einem\ )?punkt\b|\bpunto\ final\b|\bс\ точкой\b
  |\bточк\w+\ в\ конце|以?句号(?:结|收)|句点[でを])
| (?P<twice>\brepeat\ no\b|\bnothing\ twice\b|\bwiederhol\w*\ kein|\bnichts\ (?:zweimal|doppelt)
  |\bno\ repitas\b|\bdos\ veces\b|\bне\ повторя\w+|\bдважды\b|不要重复|两[次遍]|繰り返さない)
| (?P<heading>\bheadings?\b|\büberschrift\w*|\bencabezados?\b|\bun\ título\b|\bзаголовк\w+|标题
  |見出し)
| (?P<facts>\b(?:state|only)\ facts\b|\bnur\ (?:fakten|tatsachen)|\bsolo\ (?:los\ )?hechos
  |\bтолько\ факты|只(?:写|陈述)事实|事实(?:为准|即可)|事実だけ)
| (?P<paragraph>\bparagraphs?\b|\babsätzen?\b|\bpárrafos?\b|\bабзац\w*|段落)
| (?P<whole>\b(?:whole|complete|full|one|single)\ sentences?\b|\bganzen?\ sätze\w*
  |\bin\ einem\ satz\b|\b(?:frases|oraciones)\ (?:completas|enteras)\b
  |\b(?:целыми|полными)\ предложениями\b|完整的?句子?|完全な文|一文で)
| (?P<words>\bsentences?\b|\bsätzen?\b|\bfrases?\b|\boraciones\b|\bпредложени\w+|句子?
  |文(?:を|で|は))
| (?P<note>\bnotes?\b|\bnotiz\w*|\bnotas?\b|\bзаметк\w+|笔记|ノート|メモ)
| (?P<mention>\bnever\ mention\b|\berwähn\w*\b|\bmencion\w*|\bупомина\w+|提及|触れ(?:ない|ず))
"""

_SURELY = re.compile(_SURE, _FLAGS)
_MAYBE = re.compile(_BY_CHANCE, _FLAGS)
_GAP = re.compile(r"\n{3,}")  # each line's beginning takes the patterns some time


_TASK_RETRY = "Give the finished text alone: no drafts, no remarks on the task, no instructions."


def find_task_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that speaks of what was asked for, or thinks aloud.

    Words that the note or its title has are the subject's. What answers a question may speak of
    words and paragraphs, but not think aloud.
    """
    text = _GAP.sub("\n\n", answer.text.lower())
    signs: set[str] = set()
    for pattern in (_SURELY,) if answer.question else (_SURELY, _MAYBE):
        for found in pattern.finditer(text):
            kind = found.lastgroup or ""
            if (answer.question and kind not in _ALOUD) or _task_is_own(found[0], answer):
                continue
            signs.add(kind)
            if pattern is _SURELY or len(signs) >= _ENOUGH:
                return _fault(found[0])
    return None


def _task_is_own(words: str, answer: CheckedAnswer) -> bool:
    return fold(re.sub(r"^\W+|\W+$", "", words)) in answer.source


def _fault(words: str) -> Fault:
    shown = " ".join(words.split()).strip(".:!?。：！？ ")[:_SHOWN]
    return Fault("task", f"speaks of the task (“{shown}”)", _TASK_RETRY)
