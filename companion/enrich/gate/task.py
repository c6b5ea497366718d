"""Does an answer speak of the task, as one who thinks aloud or says the instruction once more?

In whatever language and words: what gives it away is that a text on tea speaks of paragraphs, of
words to be counted, or of a first draft, where the note does not.
"""

from __future__ import annotations

import re

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import fold

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
_FLAGS = re.VERBOSE | re.MULTILINE
_SURELY = re.compile(_SURE, _FLAGS)
_MAYBE = re.compile(_BY_CHANCE, _FLAGS)
_GAP = re.compile(r"\n{3,}")  # each line's beginning takes the patterns some time
_SHOWN = 40  # characters of what was found

_RETRY = "Give the finished text alone: no drafts, no remarks on the task, no instructions."


def find_task_talk(said: Said) -> Fault | None:
    """Return the fault of an answer that speaks of what was asked for, or thinks aloud.

    Words that the note or its title has are the subject's. What answers a question may speak of
    words and paragraphs, but not think aloud.
    """
    text = _GAP.sub("\n\n", said.text.lower())
    signs: set[str] = set()
    for pattern in (_SURELY,) if said.question else (_SURELY, _MAYBE):
        for found in pattern.finditer(text):
            kind = found.lastgroup or ""
            if (said.question and kind not in _ALOUD) or _is_own(found[0], said):
                continue
            signs.add(kind)
            if pattern is _SURELY or len(signs) >= _ENOUGH:
                return _fault(found[0])
    return None


def _is_own(words: str, said: Said) -> bool:
    return fold(re.sub(r"^\W+|\W+$", "", words)) in said.source


def _fault(words: str) -> Fault:
    shown = " ".join(words.split()).strip(".:!?。：！？ ")[:_SHOWN]
    return Fault("task", f"speaks of the task (“{shown}”)", _RETRY)
