"""What models say when they do not answer: of the note, of themselves, or no. By language.

Patterns of re, in verbose form, one language a line or two; tables for talk.py.
"""

from __future__ import annotations

_EN_SAYS = """(?:is|are|was|explain|describe|discuss|cover|provide|contain|outline|detail|list
 |introduce|give|offer|talk|present|explore|summari[sz]e|highlight|focus|delve|aim|serve|seem
 |appear|include|show|mention|state|examine|address|emphasi[sz]e
 |stress|suggest|recommend)(?:s|es)?"""
_DE_SAYS = "(?:ist|beschreibt|erklärt|enthält|behandelt|gibt|bietet|handelt|erläutert|zeigt)"
_FR_SAYS = "(?:est|décrit|explique|présente|traite|contient|parle|fournit|donne|aborde)"
_ES_SAYS = "(?:es|describe|explica|presenta|trata|contiene|habla|ofrece|aborda|proporciona)"
_PT_SAYS = "(?:é|descreve|explica|apresenta|trata|contém|fala|oferece|aborda|fornece)"
_IT_SAYS = "(?:è|descrive|spiega|presenta|tratta|contiene|parla|offre|fornisce)"
_NL_SAYS = "(?:is|beschrijft|bevat|gaat|geeft|legt|behandelt|bespreekt)"
_RU_SAYS = "(?:описывает|рассказывает|объясняет|содержит|посвящен[аo]?|о|об|про)"

# "This page", "this article" (本文, 文章) stay: people write so of their own notes.
META_ANYWHERE = r"""
  \bas\ an?\ (?:ai|artificial\ intelligence|(?:large\ )?language\ model)\b
| \bi(?:\ am|['’]m)\ an?\ (?:ai|(?:large\ )?language\ model|(?:virtual\ |ai\ )?assistant)\b
| \b(?:in|of|by)\ (?:this|the\ (?:given|provided|above))\ (?:note|document|text|passage)\b
| \b(?:provided|given)\ (?:note|text|passage|context)\b
| \b(?:provided|given|described|listed|mentioned|outlined|explained)\ in\ the\ (?:note|text)\b
| \blet\ me\ know\ if\b | \bi\ hope\ this\b | \bhope\ this\ helps\b | \bfeel\ free\ to\ ask\b
| \bals\ (?:eine?\ )?(?:ki|künstliche\ intelligenz|sprachmodell|ki-\w+)\b
| \ben\ tant\ qu(?:e\ modèle|['’](?:ia|intelligence|assistant))
| \bcomo\ (?:una?\ |uma?\ )?(?:ia|inteligencia\ artificial|modelo\ de\ (?:lenguaje|linguagem))\b
| \bcome\ (?:una?['’\ ]?\ ?)?(?:ia|intelligenza\ artificiale|modello\ linguistico)\b
| \bals\ (?:een\ )?(?:ai|taalmodel)\b | \bjako\ (?:ai|model\ językowy)\b
| \bкак\ (?:ии|искусственный\ интеллект|языковая\ модель)\b
| 作为(?:一个|一名|一款)?(?:ai|人工智能|(?:大)?语言模型|智能)?(?:(?:语言)?模型|助手)
| 作为(?:一个)?(?:ai|人工智能)[，,]
| (?:本|这篇|这个|这份|该|此|这条)(?:笔记|便签)(?!本)
| (?:ai|言語モデル|人工知能|アシスタント)として(?=[、,は]|の私)
| (?:ai|언어\ ?모델|인공지능)(?:으?로서)
"""

META_OPENING = rf"""
  (?:this|the|your)\ (?:(?:above|following|given|provided)\ )?
  (?:note|document|text|passage|content|snippet|markdown(?:\ file)?)s?
  (?:\ (?:titled|called|named|below|above|provided|you)\b|,?\ {_EN_SAYS}\b)
| (?:diese|die)\ (?:notiz|anmerkung)\ {_DE_SAYS}\b
| (?:dieses|das)\ dokument\ {_DE_SAYS}\b | (?:dieser|der)\ text\ {_DE_SAYS}\b
| (?:cette|la)\ note\ {_FR_SAYS}\b | (?:ce|le)\ (?:document|texte)\ {_FR_SAYS}\b
| (?:esta|la)\ nota\ {_ES_SAYS}\b | (?:este|el)\ (?:documento|texto)\ {_ES_SAYS}\b
| (?:esta|a)\ nota\ {_PT_SAYS}(?!\w) | (?:este|o)\ (?:documento|texto)\ {_PT_SAYS}(?!\w)
| (?:questa|la)\ nota\ {_IT_SAYS}(?!\w) | (?:questo|il)\ (?:documento|testo)\ {_IT_SAYS}(?!\w)
| (?:deze|de)\ (?:notitie|nota)\ {_NL_SAYS}\b | (?:dit|het)\ document\ {_NL_SAYS}\b
| (?:эта|данная|ця)\ (?:заметка|запись|нотатка)\b | (?:этот|данный|цей)\ (?:документ|текст)\b
| заметка\ {_RU_SAYS}\b | (?:ta|niniejsza)\ notatka\b | ten\ (?:dokument|tekst)\b
| (?:本|这篇|这个|这份|该|此)(?:文档|文本)
| (?:この|本|当該)(?:ノート|メモ|文書|ドキュメント|テキスト)[はでにがの]
| (?:이|본)\ ?(?:노트|메모|문서|글)[는은이에가]
"""

META_FIRST = r"""
  (?:sure|certainly|absolutely|of\ course|okay|ok|great)[,!.:]
| (?:here(?:\ is|\ are|['’]s)|below\ (?:is|are)|the\ following\ is)\b
| (?:(?:one[-\ ]sentence|short|brief)\ )?(?:summary|answer|description|output|note)\ ?:
| hier\ (?:ist|sind|is|zijn)\b | (?:natürlich|gerne|selbstverständlich)[,!]
| voici\b | bien\ sûr\b | certainement[,!] | aquí\ (?:está|tienes|hay)\b | aqui\ está\b
| (?:claro|por\ supuesto|com\ certeza)[,!] | ecco\b | certo[,!]
| вот\b | конечно[,!] | oto\b | oczywiście[,!]
| (?:以下是|下面是) | (?:好的|当然)[,，。！] | 当然可以
| 以下[はに] | はい[、。] | もちろん | 다음은 | 물론
"""

_DO = """(?:provide|help|assist|write|generate|create|determine|fulfil|answer|summari[sz]e|describe
 |comply|complete|access|do\\ that|tell)"""
_INFORMATION = r"(?:information|context|text|content|details?)"

REFUSAL_ANYWHERE = rf"""
  \bi\ (?:apologi[sz]e|can(?:not|\ not|['’]t)\ {_DO}\b|(?:am|was)\ (?:not\ able|unable)\ to)
| \bi\ (?:do\ not|don['’]t)\ have\ (?:enough|any|access|the\ {_INFORMATION})
| \bi\ (?:need|require)\ more\ {_INFORMATION}
| \b(?:no|not\ enough|insufficient)\ {_INFORMATION}
  \ (?:is\ |was\ |to\ (?:write|determine|describe)|yet|available|provided|given|in\ the\ note)
| \bno\ (?:description|callout|summary)\ (?:yet|available|provided|given)\b
| \b(?:does|did)\ not\ (?:provide|contain|include|have)\ (?:any|enough|sufficient)\ {_INFORMATION}
| \bplease\ (?:provide|share|give|clarify|paste)\b | \blorem\ ipsum\b
| \bi(?:\ am|['’]m)\ (?:ready|here|happy|glad)\ to\ (?:help|assist)\b
| \b(?:how\ (?:can|may)|what\ (?:can|would))\ (?:i|you)\ (?:help|assist|like)\b
| \[(?:insert|your|add|title|name|topic|subject|placeholder)\b
| (?:未提供|没有提供|缺乏足够)(?:任何|相关|足够)?(?:的)?(?:信息|内容)
| (?:お答え|回答|提供|説明)(?:することは)?(?:できません|できかねます)
| (?:書き直し|書い|入力し|提供し|教え)てください | 请(?:您)?(?:重新|提供|输入|用中文)
| пожалуйста,?\ (?:перепишите|напишите|предоставьте|уточните)
| (?:제공|답변|도와드릴)(?:할)?\ ?수\ 없
"""

REFUSAL_FIRST = r"""
  i(?:\ am|['’]m)\ (?:(?:very|really|so)\ )?(?:sorry|afraid|unable|not\ able)\b
| (?:sorry|apologies|unfortunately)[,.:!]
| es\ tut\ mir\ leid | leider\ (?:kann|habe|ist|liegen|gibt) | ich\ kann\ (?:\w+\ ){0,4}nicht\b
| je\ suis\ désolée?\b | désolée?\b | malheureusement | je\ ne\ (?:peux|suis)\ pas
| lo\ siento | lamento | lamentablemente | no\ puedo\b | no\ hay\ (?:suficiente\ )?información
| desculpe | sinto\ muito | infelizmente | não\ posso | mi\ dispiace | non\ posso
| het\ spijt\ me | helaas\b | ik\ kan\ (?:\w+\ ){0,4}niet\b | przykro\ mi | niestety | nie\ mogę
| извините | простите | к\ сожалению | я\ не\ (?:могу|имею) | вибачте | на\ жаль
| 很?抱歉 | 对不起 | 不好意思 | 我(?:无法|不能|没有足够) | 无法(?:提供|回答|生成|确定|描述)
| 没有(?:足够|提供)的?(?:信息|内容)
| 申し訳 | すみません | ごめんなさい | 残念ながら | 恐れ入り | 죄송 | 미안 | 유감
"""

NOTHING = r"""
  \(?(?:n/a|none|null|nil|nothing|unknown|undefined|untitled|empty|tbd|todo|placeholder|string
  |text|description|no\ text\ yet|no\ other\ names?|keine|ninguno|aucun|нет|描述|无|暂无|没有|なし
  |없음)\)?[.。]?
"""
