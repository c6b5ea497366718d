"""What models say when they refuse, ask back or leave a gap. By language, as in phrases.py."""

from __future__ import annotations

_TO_SAY = r"""(?:write|give|provide|create|generate|determine|say|tell|summari[sz]e|describe|form
 |explain|offer|produce)"""
_DO = rf"(?:{_TO_SAY}|help|assist|fulfil|answer|comply|complete|access\ (?:the|this|your)|do\ that)"
_INFORMATION = r"(?:information|context|text|content|material|details?)"
_WHAT_IT_IS = r"what\ (?:it|this|that|the\ (?:note|text))\b"
_ANY = r"(?:an?\ |any\ |the\ )?(?:\w+\ )?"
_WORK = r"(?:description|summary|explanation|callout)"
_ASIDE = r"""(?:attempt|comment|reproduce|guess|speculate|invent|assume|discuss|continue|proceed
 |responsibly|verify|confirm|make\ (?:assumptions|claims))"""
_TELL = r"""(?:tell|let\ me|share|provide|specify|indicate|clarify|paste|send|supply|give|add|state
 |upload|attach|include|rephrase)"""
_DE_NO = r"""(?:nicht\ (?:genug|genügend|ausreichend)|unzureichende?|zu\ wenige?|keine\ (?:weiteren
 |ausreichenden))"""
_DE_DO = "(?:beschreib|beantwort|helfen|erstell|schreib|zusammenfass|liefern)"
_ES_DO = r"""(?:describir|explicar|decir|hablar|proporcionar|escribir|generar|dar|ofrecer|resumir
 |responder|ayudar|crear)"""
_ES_ENOUGH = r"(?:suficiente\ (?:información|contexto|texto)|información\ suficiente)"
_RU_DO = "(?:опис|состав|напис|ответ|предостав|помочь|сказать|созда|дать|сформулир)"
_RU_WHAT = "(?:информаци|текст|замет|содержани|подробност|детал|контекст)"
_ZH_WHAT = "(?:信息|内容|资料|上下文|文本|笔记|原文|细节)"
_JA_WHAT = "(?:ノート|メモ|情報|内容|テキスト|本文|詳細|文章|日本語)"

REFUSAL_WORDS = rf"""
  i\ (?:apologi[sz]e|can(?:not|\ not|['’]t)\ {_DO}\b|(?:am|was)\ (?:not\ able|unable)\ to)
| i\ (?:can(?:not|\ not|['’]t)|won['’]t|will\ not|would\ (?:rather|prefer)\ (?:not|to\ not)
  |['’]d\ (?:rather|prefer)\ not|prefer\ not|must|have\ to)\ (?:to\ )?(?:\w+\ )?(?:{_ASIDE}\b
  |decline\b|refuse\b|refrain\b)
| (?:not|isn['’]t|no|without|insufficient|little)\ (?:\w+\ ){{0,3}}(?:enough|sufficient|further|more
  |additional)\ (?:\w+\ )?{_INFORMATION}\ (?:\w+\ ){{0,3}}to\ (?:{_TO_SAY}|go\ on|work)\b
| (?:(?:is|was|be)(?:\ not|n['’]t)\ possible|impossible)\ to\ (?:say|tell|explain|describe|give
  |judge)\b[^.]{{0,60}}\b(?:without
  |certain\w*|reliab\w*|responsib\w*|because)\b
| \bno\ (?:\w+\ ){{0,3}}(?:description|explanation|summary|account|answer)\b[^.]{{0,50}}\bcan\ be
  \ (?:given|offered|provided|produced|written|made)\b
| \bmore\ (?:information|context|details?)\ (?:would\ be|is|are)\ (?:needed|required|necessary)
  \ (?:before|to\ {_TO_SAY})\b
| \bwithout\ (?:that|this|more|further|such)\ {_INFORMATION}\b[^.]{{0,30}}\b(?:impossible|cannot
  |can['’]t|hard|difficult|not\ possible)\ to\ {_TO_SAY}\b
| \bthere\ (?:is|are)\ no\ (?:\w+\ )?{_INFORMATION}\ (?:here|yet)\b
| (?:would\ not|wouldn['’]t|not)\ be\ (?:appropriate|responsible|right|proper)\ (?:for\ me\ )?to
  \ {_TO_SAY}\b
| (?<!\w\ )(?<!:\ )please,?\ {_TELL}\b | (?:could|can|would)\ you\ (?:please\ )?(?:{_TELL}
  |say\ (?:a\ little\ )?more)\b
| (?:outside|beyond|against)\ (?:my|the\ scope\ of\ what)\b
| i\ (?:do\ not|don['’]t)\ have\ (?:enough|any|access|the)\ {_INFORMATION}
| i\ (?:could\ not|couldn['’]t|did\ not|didn['’]t|cannot|can['’]t)\ find\ (?:any|enough)\b
| i\ (?:would\ |['’]d\ )?(?:need|require)\ more\ {_INFORMATION}
| more\ {_INFORMATION}\ (?:is|are|would\ be)\ (?:needed|required)\ to\ {_TO_SAY}
| (?:does\ not|doesn['’]t)\ (?:give|provide|contain|have)\ (?:enough|sufficient)\ {_INFORMATION}
| (?:no|not\ enough|insufficient|too\ little|lack\ of)\ {_INFORMATION}\ (?:(?:is|was|here)\ )?
  (?:to\ {_TO_SAY}|available|provided|given|in\ the\ note)\b
| is(?:\ not|n['’]t)\ enough\ (?:\w+\ ){{0,4}}to\ (?:say|tell|determine)\ {_WHAT_IT_IS}
| (?:not\ possible|impossible|unable|difficult|hard|not\ able)\ to\ {_TO_SAY}\ (?:{_ANY}{_WORK}\b
  |{_WHAT_IT_IS})
| no\ (?:\w+\ )?(?:description|callout|summary)\ (?:yet|available|provided|given|can\ be|could)\b
| (?:the|this|your)\ (?:\w+\ )?(?:note|text|title)\ (?:itself\ )?(?:does\ not|doesn['’]t)
  \ (?:provide|contain|include|have|give)\ (?:any|enough|sufficient|much)\b
| (?:the|this|your)\ (?:\w+\ )?(?:note|text|title)\ (?:is|was|seems|appears)\ (?:to\ be\ )?(?:empty
  |blank|unclear|incomplete|too\ (?:short|brief|vague))\b
| please\ (?:clarify|(?:provide|share|give|paste|send)\ (?:me\ )?(?:with\ )?(?:the|more|your|some
  |further|additional|any)\ (?:\w+\ )?(?:{_INFORMATION}|note|document|passage))\b
| (?:not|\w+n['’]t)\ enough\ (?:here|there|in\ it)\ to\ {_TO_SAY}\b
| \bas\ the\ (?:text|notes?|contents?|passage|recipe|source|material)\ (?:\w+\ ){{0,5}}
  (?:was|were|is|are)\ not\ (?:supplied|provided|given|included)\b
| {_WORK}\ (?:of\ \w+\ )?(?:\w+\ )?(?:can(?:not|\ not|['’]t)|could\ not|will\ not)
  \ be\ (?:given|offered|written|provided|made|produced)\b
| \bno\ (?:\w+\ )?{_WORK}\ (?:of\ [^.\n]{{1,30}}\ )?(?:will|can|could)
  \ be\ (?:given|offered|provided)\b
| \bno\ (?:further|more|other)\ (?:details?|information)\ (?:on|about|of)\ [^.\n]{{1,40}}
  \ (?:is|are)\ (?:available|given)\b
| lorem\ ipsum\b | i(?:\ am|['’]m)\ (?:ready|here|happy|glad)\ to\ (?:help|assist)\b
| how\ (?:can|may)\ i\ (?:help|assist)\ you\b
| what\ (?:would\ you\ like\ (?:me\ )?to|do\ you\ want\ (?:me\ to|to\ know))\b
| (?:write|insert|add|put)\ (?:an?|the|your)\ (?:\w+\ )?{_WORK}\ [^.\n]{{0,40}}\bhere\b
| {_WORK}\ (?:of\ [^.\n]{{1,40}}\ )?(?:goes|comes)\ here\b
| {_DE_NO}\ (?:informationen|angaben|kontext|inhalt|text)(?:,?\ (?:vor|vorhanden|verfügbar|um|für
  |in\ der\ notiz)\b|\W*\Z)
| kann\ ich\ (?:\w+\ ){{0,4}}(?:nicht|keine?n?)\ (?:\w+\ ){{0,3}}{_DE_DO}
| (?:mir\ fehlen|ich\ (?:brauche|benötige)\ (?:mehr|weitere))\ (?:\w+\ )?(?:informationen|angaben)
| (?:keinen\ zugriff|no\ tengo\ acceso|нет\ доступа)\ (?:auf|al?|к)\b
| (?:ohne|fehl\w+|mangels|brauch\w+|benötig\w+|vorliegenden)\ (?:\w+\ ){{0,2}}(?:informationen
  |angaben|kontext|quellen|material|details)\ (?:\w+\ ){{0,6}}(?:nicht|nichts
  |kaum)\ (?:\w+\ ){{0,3}}
  (?:sagen|erklär|beschreib|zusammenfass|beurteil)\w*
| \bkeine\ (?:\w+\ )?(?:auskunft|erklärung|beschreibung|antwort|angabe)\ (?:\w+\ )?(?:gegeben
  |erteilt|gemacht|geliefert|erstellt)\ werden
| \bliegen\ leider\ keine\ (?:\w+\ )?(?:angaben|informationen|inhalte|details)\b
| lässt\ sich\ (?:\w+\ ){{0,8}}nichts\ (?:\w+\ )?sagen\b
| \b(?<!:\ )bitte,?\ (?:\w+\ ){{0,2}}(?:teil|nenn|gib|geb|schick|send|füg|ergänz|lad|erläuter
  |präzisier|sag|formulier|stell)\w*\b
| keine\ beschreibung\ (?:möglich|verfügbar|vorhanden|erstell|liefern|geben)
| beschreibung\ ist\ (?:\w+\ )?nicht\ möglich\b | (?:text|notiz)\ ist\ (?:zu\ kurz|leer|unklar)\b
| bitte\ (?:geb|gib|stell|teil|send|schick|füg|nenn)\w*\ [^.\n]{{0,25}}
  (?:informationen|text|notiz|angaben|details|inhalt|kontext)\b
| no\ (?:tengo|hay|dispongo\ de|cuento\ con|contiene|se\ (?:proporciona
  |dispone\ de))\ (?:la\ )?{_ES_ENOUGH}
| necesito\ más\ (?:información|contexto|detalles)\b
| (?:falta|haría\ falta|hace\ falta|se\ necesita|se\ requiere)n?\ (?:más|mayor|suficientes?)
  \ (?:contexto|información|datos|detalles|material)\ para\ {_ES_DO}
| \bno\ se\ (?:dispone\ de|cuenta\ con|tienen?)\b[^.\n]{{0,60}}\bpara\ {_ES_DO}\b
| \bvolver\ a\ intentar\w*
| (?<!:\ )por\ favor,?\ (?:indi[cq]|compart|proporcion|envi|env[íi]|d[ií]me|diga|especifi|facilit
  |aclar|añad|escrib|peg|adjunt|explic|reformul)\w*
| \bsiento\ no\ poder\b | \bno\ hay\ base\ suficiente\b
| información\ insuficiente\ para\b | no\ es\ posible\ {_ES_DO}\ una?\b | no\ puedo\ {_ES_DO}
| por\ favor,?\ (?:proporcion|compart|indi[cq]|facilit|envi|aclar|escrib)\w*\ [^.\n]{{0,25}}
  (?:información|texto|nota|detalles|contenido|contexto)\b
| недостаточно\ (?:информации|сведений|контекста)\b | информации\ (?:слишком\ мало|недостаточно)
| (?:не\ могу|невозможно|не\ удалось)\ {_RU_DO}\w*\ ?\w*\ ?описание | я\ не\ могу\ {_RU_DO}
| мне\ (?:нужн|требу)\w+\ (?:больше|дополнительн\w+)\ {_RU_WHAT}
| (?:слишком\ мало|нет)\ информации\ для\ (?:описания|ответа) | не\ удалось\ определить,?\ о\ чём\b
| (?:пожалуйста,?\ )(?:перепиши|предоставь|уточни|укажи|пришли|добавь|сообщи|напиши
  |дай)\w*\ [^.\n]{{0,25}}{_RU_WHAT}
| (?:не\ хватает|мало|без|нужн\w+|требу\w+|нет)\ (?:\w+\ ){{0,2}}(?:информации|сведений
  |данных|контекста|материала|подробност\w+|дополнительн\w+)\b[^.\n]{{0,60}}(?:сказать|написать
  |объяснить|описать|ответить|судить|составить)
| \bдля\ (?:составления|описания|объяснения|ответа)\b[^.\n]{{0,20}}\b(?:нужно|требуется|не\ хватает)
| \bтекст\ (?:\w+\ )?отсутству\w+ | \bотсутству\w+\ сам(?:о|а)?\ (?:текст|материал|содержани)\w*
| \b(?:дать|составить|написать)\b[^.\n]{{0,30}}\bне\ представляется\ возможным\b
| (?:(?<!:\ )пожалуйста,?\ (?:\w+\ )?(?:уточн|пришл|укаж|дай|подел|добав|напиш|сообщ|расскаж
  |предостав)\w+ | (?:уточните|сообщите|пришлите|укажите|поделитесь),?\ пожалуйста)
| пожалуйста,?\ (?:перепишите|уточните)\b | предоставьте,?\ пожалуйста\b
"""
REFUSAL_SIGNS = rf"""
  (?:信息|{_ZH_WHAT})(?:过于|太|还)?(?:不足|不够|有限|过少|太少|少)[，,](?:无法|不能|难以|所以|因此)
| (?:缺乏|缺少|没有|未提供|没有提供)(?:足够|充分|相关)的?{_ZH_WHAT}
| (?:无法|不能|难以)(?:根据[^，。]{{1,12}})?(?:给出|写出|提供|生成|撰写
  |概括)[^，。]{{0,12}}(?:描述|说明|摘要|概述|答案)
| (?:缺乏|缺少|没有|需要|提供)(?:更多|足够|充分|进一步|具体)的?(?:信息|资料|内容|上下文|材料|背景
  |细节)[^。]{{0,8}}(?:无法|不能|难以|才能)[^。]{{0,6}}(?:说明|描述|概括|写|回答|解释|介绍)
| (?:目前|暂时|这里|尚)?没有(?:任何|什么)?(?:内容|资料|信息|材料)可(?:供|以)
| 请[您你]?(?:先|再)?(?:告诉我?|说明一下|补充|指出|明确|分享|上传)
| (?:恕|暂时|目前)我?(?:无法|不能|不便)(?:回答|作答|给出|提供|说明)
| 我?需要更多的?{_ZH_WHAT}才能
| 请[您你]?(?:先|再)?(?:提供|补充|给出|发送|粘贴)[^，。“”]{{0,10}}{_ZH_WHAT} | 请(?:重新|用中文)
| 情報が(?:\w{{0,3}})?(?:不足して|不十分|足り|ありません)(?=[^。]{{0,8}}(?:ため|ので|ません|。))
| (?:もっと|さらに|より多くの|追加の)[^。]{{0,4}}情報が必要 | 内容がありません
| 十分な(?:情報|内容)が(?:ない|あり|得られ|なく)
| (?:内容|何についての[^。]{{0,6}})[がか](?:不明|分か[らり]|わか[らり])
| (?:説明文?|要約|紹介文|回答)を(?:書く|作成|生成|提供)[^。]{{0,8}}(?:できません|難し|困難)
| (?:情報|資料|文脈|材料|内容|詳細|手がかり)[がはも][^。]{{0,8}}(?:不足|足り|不十分|乏し
  |少な)[^。]{{0,20}}
  (?:できま|書けま|難し|控え|せん)
| (?:情報|内容|資料|本文)が(?:まだ|全く|一切)?(?:ない|なく|ありません|示されて
  |与えられて)[^。]{{0,12}}(?:ため|ので|。)
| (?:教えて|お知らせ|提供して|共有して|送って|お送り|示して|貼り付けて|補足して|ご提示|ご提供
  |ご教示|ご指定|ご共有)(?:ください|下さい|いただ|頂)
| (?:説明|記述|要約|断定|推測)(?:は|を|することは)?(?:控え|差し控え|いたしかね|できかね)
| お?答えできません | お答えすることは(?:できません|でき)
| 回答(?:は|することは)?(?:できません|できかねます)
| {_JA_WHAT}[^。、]{{0,10}}(?:書き直し|提供し|教え|共有し|追加し|提示し)て(?:ください|下さい|いただ)
| (?:제공|답변|도와드릴)(?:할)?\ ?수\ 없
"""

REFUSAL_FIRST = rf"""
  no\ {_INFORMATION}\ (?:is|are|was|were)\ (?:given|provided|available|supplied)\b |
  i(?:\ am|['’]m)\ (?:(?:very|really|so)\ )?(?:sorry|afraid|unable|not\ able)\b
| (?:sorry|(?:my\ )?apologies|unfortunately|regrettably)[,.:!]
| (?:insufficient|not\ enough)\ {_INFORMATION}\b
| i\ (?:do\ not|don['’]t)\ know\ (?:what|how|enough|anything|the\ answer)\b | cannot\ be\ {_TO_SAY}
| (?:es\ )?tut\ mir\ leid | ohne\ weitere\ (?:informationen|angaben) | entschuldig
| leider\ (?:kann|habe|ist|liegen|gibt|fehl|enthält)
| ich\ kann\ (?:\w+\ ){{0,4}}(?:nicht|keine?n?)\ (?:\w+\ ){{0,3}}{_DE_DO}
| ich\ weiß\ (?:\w+\ )?nicht,\ (?:worum|wovon|was\ (?:das|es|die))\b
| lo\ siento | lamento\ (?:no|que)\b | lamentablemente | disculp[ae] | no\ puedo\ {_ES_DO}
| no\ sé\ de\ qué\b
| no\ hay\ (?:suficiente\ )?información
| извините | простите | прошу\ прощения | приношу\ извинения | к\ сожалению
| я\ не\ (?:имею|знаю,\ о\ ч)|(?:я\ )?не\ могу\ {_RU_DO} | невозможно\ (?:состав|напис|опис)
| 很?(?:抱歉|遗憾) | 对不起 | 不好意思 | (?:由于|因为)?信息(?:不足|不够|有限)
| 我(?:无法|不能|没有足够|不知道|不确定) | 无法(?:提供|回答|生成|确定|描述)
| 没有(?:足够|提供)的?(?:信息|内容)
| 申し訳 | すみません | ごめんなさい | 残念ながら | 恐れ入り
| je\ suis\ désolée?\b | désolée?\b | malheureusement | je\ ne\ (?:peux|suis)\ pas
| desculpe | sinto\ muito | infelizmente | não\ posso | mi\ dispiace | non\ posso
| het\ spijt\ me | helaas\b | ik\ kan\ (?:\w+\ ){{0,4}}niet\b | przykro\ mi | niestety | nie\ mogę
| вибачте | на\ жаль | 죄송 | 미안 | 유감
"""

GAP = r"""
  \[(?:insert|your|add|title|name|topic|subject|placeholder)\b
"""
"""What is left to fill in."""

NOTHING = r"""
  \(?(?:n/a|none|null|nil|nothing|unknown|undefined|untitled|empty|tbd|todo|placeholder|string
  |text|description|no\ text\ yet|no\ other\ names?|keine|ninguno|aucun|нет|描述|无|暂无|没有|なし
  |없음)\)?[.。]?
"""
