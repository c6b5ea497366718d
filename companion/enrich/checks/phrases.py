"""What models say when they do not answer: of the note, of themselves, or no. By language.

Patterns of re for talk.py, in verbose form, a language a line or more: English, German, Spanish,
Russian, Chinese, Japanese; then what others were seen to say.
"""

from __future__ import annotations

# "This page", "this article" (本文, 文章) stay: people write so of their own notes.
_EN_TELLS = r"""(?:explain|describe|discusse?|cover|outline|detail|introduce|explore|summari[sz]e
 |highlight|focuse?|mention|emphasi[sz]e|stresse?|suggest|recommend|addresse?|examine|say|note
 |provide|present|offer|delve|ask|end|conclude|remind|warn|begin|close)s?"""
_EN_SAYS = rf"""(?:is|are|was|(?:contain|list|give|talk|aim|serve|seem|appear|include|show|mean
 |state)s?|does|has|{_EN_TELLS})"""
_EN_KIND = r"""(?:(?:short|brief|concise|quick|simple|single|whole|entire|original|above|following
 |given|provided|personal|obsidian|markdown)\ ){0,2}"""
_EN_THIS = r"(?:this|the|your|(?:the\ )?user['’]s)"
_EN_SUM = r"""(?:(?:(?:in\ (?:summary|short|conclusion)|overall|to\ sum(?:mari[sz]e|\ up)),?
 |it\ (?:seems|appears)(?:\ that)?)\ )?"""
_DE_SAYS = r"""(?:ist|beschreib|erklär|enthält|behandel|gibt|biete|handel|erläuter|zeigt|fasst
 |erwähn|befass|beschäftig|stellt|geht|liste|liefer|beton|nennt|erzähl|dreht)\w*"""
_DE_KIND = r"(?:(?:vorliegende|obige|kurze|gegebene|bereitgestellte)[rs]?\ )?"
_ES_SAYS = r"""(?:es|describe|explica|presenta|trata|contiene|habla|ofrece|aborda|proporciona|resume
 |menciona|detalla|cubre|muestra|recoge|expone|destaca)n?"""
_RU_SAYS = r"""(?:опис|рассказ|объясн|содерж|посвящ|излаг|упомина|обсужда|рассматрива|представля
 |поясня|раскрыва|показыва|освеща|перечисля|говори|о\b|об\b|про\b)\w*"""
_RU_SUM = r"(?:(?:в\ (?:целом|общем|итоге)|итак|кратко),?\ )?"
_ZH_SAYS = r"""(?:主要|详细|简要|简单|还|也)*(?:介绍|讲|描述|说明|解释|提到|提及|记录|总结|概述|讨论
 |阐述|探讨|指出|强调|涵盖|分享|列出|所述|所说)"""
_JA_SAYS = r"(?:述べ|説明|紹介|解説|まとめ|書かれ|書いてあ|記され|記載|記録|触れ|扱って|扱います)"
_FR_SAYS = "(?:est|décrit|explique|présente|traite|contient|parle|fournit|donne|aborde)"
_PT_SAYS = "(?:é|descreve|explica|apresenta|trata|contém|fala|oferece|aborda|fornece)"
_IT_SAYS = "(?:è|descrive|spiega|presenta|tratta|contiene|parla|offre|fornisce)"
_NL_SAYS = "(?:is|beschrijft|bevat|gaat|geeft|legt|behandelt|bespreekt)"

MODELS = r"""
  (?<![a-zа-я])(?:ai|ki|ia|ии)(?:[\ -]?(?:language\ model|\w*assist\w*|\w*modell?|助手
  |アシスタント))?(?![a-zа-я]) | (?:künstliche|artificial)\ intelligen[cz]
| inteligencia\ artificial | искусственн\w+\ интеллект | language\ model | sprachmodell
| modelo\ de\ lenguaje | языков\w+\ модел | 人工智能(?:助手)? | 语言模型 | 人工知能 | 言語モデル
"""
"""What a note on models names, too."""

FRAME_FIRST = rf"""
  {_EN_SUM}{_EN_THIS}\ {_EN_KIND}
  (?:note|document|text|passage|content|snippet|markdown|file|description|sentence|callout)s?
  (?:\ (?:titled|called|named|below|above|provided|you|on|about)\b|,?\ (?:\w+ly\ )?{_EN_SAYS}\b)
| these\ (?:(?:essay|lecture|reading|garden|study|class|meeting|book|short|brief)\ )?notes
  \ {_EN_TELLS}\b
| (?:(?:this|it)\ is\ )?(?:an?|your)\ {_EN_KIND}note\ (?:(?:about|on)(?=(?:\ \w+){{2}})|that
  |which|regarding|concerning|(?:describ|explain|discuss|cover|outlin|summari[sz]|detail)ing)\b
| (?:this|it)\ (?:is|gives|provides)\ an?\ {_EN_KIND}(?:summary|description|overview)\ of\b
| (?:an?\ |the\ )?(?:\w+\ )?(?:summary|description|overview|explanation|key\ points)\ of\ (?:an?\ )?
  (?:{_EN_THIS}\ )?{_EN_KIND}note\b
| (?:diese|die)\ {_DE_KIND}(?:notiz|anmerkung)\ {_DE_SAYS}\b
| (?:zusammenfassend|kurz|insgesamt)\ {_DE_SAYS}\ (?:diese|die)\ notiz\b
| (?:dieses|das)\ {_DE_KIND}dokument\ {_DE_SAYS}\b | (?:dieser|der)\ {_DE_KIND}text\ {_DE_SAYS}\b
| (?:eine\ )?(?:\w+\ )?notiz\ (?:darüber|über|dazu|zu[mr]?)\b
| (?:en\ (?:resumen|general|conclusión),?\ )?(?:esta|la(?!\ nota\ es\b)
  |una)\ (?:\w+\ )?nota\ (?:{_ES_SAYS}|sobre)\b
| (?:este|el)\ (?:documento|texto)(?:\ \w+)?\ {_ES_SAYS}\b
| (?:esta\ es\ una\ )?nota\ sobre(?=(?:\ \w+){{2}})
| в\ (?:этом\ |данном\ )?тексте\ {_RU_SAYS} | речь\ в\ заметке\b
| {_RU_SUM}(?:эта|данная|ця)\ (?:\w+\ )?(?:заметка|нотатка)\b
| (?:этот|данный|цей)\ (?:\w+\ )?(?:документ|текст)\b
| {_RU_SUM}(?:(?:короткая|краткая)\ )?заметка\ {_RU_SAYS}
| (?:总之|总的来说|总体而言|综上)?[，,]?(?:用户的?|本|这[篇个份条则]|该|此)?(?:笔记|便签)(?:中|里
  |内容)?(?:也|还)?{_ZH_SAYS}
| (?:这是)?(?:一[篇则份条个]关于[^，。]{{1,30}}的|用户的?)(?:笔记|便签)(?=[，。]|\Z)
| (?:本|这[篇个份]|该|此)(?:文档|文本)(?!模型) | 文中(?:还)?{_ZH_SAYS} | (?:本|该|此)笔记是
| [^。]{{1,40}}(?:について|に関する)[^。]{{0,12}}(?:ノート|メモ)(?:です|である)?(?=。|\Z)
| (?:この|本|当該|ユーザーの)?(?:ノート|メモ)(?:の内容)?(?:は|では|には|で)[^。]{{0,40}}{_JA_SAYS}
| (?:この|本|当該)(?:文書|文章|ドキュメント|テキスト)[はでにがの]
| (?:cette|la)\ note\ {_FR_SAYS}\b | (?:ce|le)\ (?:document|texte)\ {_FR_SAYS}\b
| (?:esta|a)\ nota\ {_PT_SAYS}(?!\w) | (?:este|o)\ (?:documento|texto)\ {_PT_SAYS}(?!\w)
| (?:questa|la)\ nota\ {_IT_SAYS}(?!\w) | (?:questo|il)\ (?:documento|testo)\ {_IT_SAYS}(?!\w)
| (?:deze|de)\ (?:notitie|nota)\ {_NL_SAYS}\b | (?:dit|het)\ document\ {_NL_SAYS}\b
| (?:ta|niniejsza)\ notatka\b | ten\ (?:dokument|tekst)\b
| (?:이|본)\ ?(?:노트|메모|문서|글)[는은이에가]
"""
"""How an answer begins that tells what the note tells."""

FRAME_LATER = rf"""
  {_EN_SUM}{_EN_THIS}\ {_EN_KIND}note\ (?:also\ )?{_EN_TELLS}\b
| {_EN_SUM}(?:this|your)\ note\ (?:gives|contains|serves|aims|shows)\b
| (?:this|your)\ (?:document|text|passage)\ (?:also\ )?{_EN_TELLS}\b
| diese\ notiz\ {_DE_SAYS}\b | dieses\ dokument\ (?:beschreibt|erklärt|behandelt)\b
| esta\ nota\ {_ES_SAYS}\b | este\ documento\ (?:describe|explica|trata)\b
| (?:эта|данная)\ заметка\b | (?:этот|данный)\ (?:документ|текст)\ (?:опис|рассказ|объясн)\w*
| (?:本|这[篇个份条则])(?:笔记|便签){_ZH_SAYS} | (?:本|这[篇个份])文档{_ZH_SAYS}
| (?:この|本)(?:ノート|メモ|文書)(?:は|では|には)[^。]{{0,40}}{_JA_SAYS}
"""
"""How a later sentence begins that tells it: "The text is" may speak of the subject."""

FRAME_WORDS = rf"""
  in\ (?:this|your)\ {_EN_KIND}(?:note|document|text|passage)\b
| (?:according\ to|based\ on|as\ per)\ (?:{_EN_THIS}\ )?{_EN_KIND}note\b
| (?:according\ to|based\ on|in|of|by|from)\ (?:the|your)\ (?:provided|above|given)\ (?:note|text
  |document|passage|information|content)\b | the\ (?:note|text)\ (?:above|provided)\b
| (?:provided|given|described|listed|mentioned|outlined|explained|stated|noted)\ (?:above\ )?
  in\ (?:the|this|your)\ (?:note|text)\b
| as\ {_EN_THIS}\ (?:note|text)\ {_EN_SAYS}\b | as\ noted\ (?:above\ )?in\b
| \bin\ (?:the|this)\ (?:text|passage),
| (?:judging\ (?:by|from)|going\ by)\ (?:the|its)\ (?:properties|title|headings?|metadata|name
  |tags)\b
| based\ on\ (?:the|its)\ (?:properties|title|headings?|metadata)(?:\ (?:given|alone|provided))?,
| suitable\ for\ (?:the|your)\ (?:properties|frontmatter|note|vault)\b
| (?:this|it)\ was\ (?:written|generated|created)\ (?:by|with)\ (?:an?\ )?(?:ai|artificial
  |language\ model)\b
| \b(?:sie|er|es|dies\w*)\ wurde\ von\ einer?\ (?:ki|künstlichen\ intelligenz|sprachmodell)\b
| \bdem\ titel\ (?:nach|zufolge)\b
| \b(?:kein|noch\ kein)\ (?:text|inhalt)\ (?:vorliegt|vorhanden)\b
| \bliegt\ (?:\w+\ ){{0,4}}kein\ (?:text|inhalt)\ vor\b
| \ba\ juzgar\ por\ el\ título\b | \bpor\ el\ título(?:,|\ (?:trata|habla)\b)
| \bla\ nota\ está\ vacía\b
| \bсудя\ по\ (?:названию|заголовку)\b | \bзаметка\ (?:пока\ |ещё\ )?пуста\b
| \b(?:the|its)\ (?:author|writer)\ (?:\w+ly\ |also\ |then\ |first\ )?(?!was\b|is\b)\w+s\b
| \b(?:in\ this|the|this)\ (?:entry|write-up|blog\ post)\ (?:tells|{_EN_TELLS}|we\ learn)\b
| \bder\ (?:autor|verfasser)\ {_DE_SAYS} | \bel\ autor\ (?:{_ES_SAYS}|distingue|añade|señala)\b
| \bавтор\ (?:{_RU_SAYS}|отмеча\w+|подчёркива\w+|считает)
| (?:subject|topic|focus|purpose|contents?|author|writer|aim|goal|gist
  |points?)\ of\ {_EN_THIS}\ note\b
| (?:of|about)\ (?:the|this)\ (?:subject|topic)(?=\W*\Z|\ and\ its\b)
| in\ (?:dieser|der)\ (?:\w+\ )?notiz\ (?:geht|wird|werden|ist|sind|steht|beschrieben|erwähnt
  |genannt|erklärt)\b | (?:gemäß|laut)\ (?:(?:der|dieser)\ )?notiz\b
| basierend\ auf\ (?:der|dieser)\ notiz\b | (?:zusammenfassung|autor|inhalt)\ der\ notiz\b
| der\ (?:vorliegende|bereitgestellte|gegebene)\ text\b
| en\ esta\ nota\b | en\ la\ nota\ se\b | (?:según|de\ acuerdo\ (?:con|a))\ (?:la|esta)\ nota\b
| (?:indica|describe|menciona|explica)\ en\ (?:la|esta)\ nota\b
| (?:resumen|autora?|contenido|tema)\ de\ (?:la|esta)\ nota\b
| (?:texto|documento)\ (?:proporcionado|dado)\b
| в\ (?:этой|данной|вашей)\ (?:\w+\ )?заметке\b | согласно\ (?:\w+\ )?заметке\b
| (?:в|из)\ заметк[еи]\ {_RU_SAYS} | как\ \w+\ в\ заметке\b
| (?:автор|содержание|тема|описание)\ (?:этой\ |данной\ )?заметки\b
| (?:предоставленн|приведённ|приведенн)\w+\ текст\w*
"""
FRAME_SIGNS = rf"""
  (?:根据|依据|基于|正如|如同?)(?:本|这[篇个份条则]|该|用户的?|所?提供的)?(?:笔记|便签|文本)
| 从笔记[^，。]{{0,3}}可以?(?:看|得|知) | (?:[你您所]提供|给定)的(?:笔记|文本|内容|文档)
| 本文(?:的)?作者 | 本文では[^。]{{0,40}}{_JA_SAYS} | (?:筆者|著者)は[^。]{{0,40}}(?:{_JA_SAYS}
  |示し|論じ|指摘)
| 笔记的?(?:主要)?内容(?:是|为|包括|主要)
| (?:笔记|便签)(?:内容|目前|还|尚|暂时)*(?:为空|是空白?的|没有(?:正文|内容)|尚无(?:正文|内容))
| (?:从|根据|单看|就)标题(?:来看|看，|推测|推断|判断|而言) | (?:題名|タイトル)から(?:する|判断)
| (?:本|这[篇个份条则]|该|此)(?:笔记|便签)(?:中|里|的(?:内容|主题|作者))
| (?:ノート|メモ)(?:の内容)?(?:によると|によれば|に基づ|に(?:書かれて|記されて|記載されて
  |ある)(?:いる)?(?:よう|通り))
| 提供された(?:ノート|メモ|テキスト|文章|文書|情報) | (?:ノート|メモ)の(?:内容|主題|テーマ)は
"""
"""What tells of the note wherever it stands."""

SELF_WORDS = r"""
  as\ an?\ (?:\w+\ )?(?:ai|artificial\ intelligence|language\ model|assistant)\b[^.\n]{0,25}?,?\ i\b
| i(?:\ am|['’]m|,\ as|,\ being)\ (?:just\ |only\ |merely\ )?an?\ (?:\w+\ )?
  (?:ai|artificial\ intelligence|language\ model|(?:virtual|ai|digital)\ assistant|chatbot)\b
  (?!\ (?:\w+\ )?(?:student|researcher|engineer|developer|scientist|expert))
| i(?:\ have|['’]ve)?\ (?:left\ (?:it|them|that|this|those)\ out|omitted)\b
| ich\ bin\ (?:nur\ |lediglich\ )?eine?\ (?:\w+\ )?(?:ki|künstliche|sprachmodell|assistent)
| als\ (?:eine?\ )?(?:\w+\ )?(?:ki|sprachmodell|künstliche\ intelligenz)(?:-\w+)?\ \w+\ ich\b
| soy\ (?:solo\ |sólo\ )?una?\ (?:\w+\ )?(?:modelo\ de\ lenguaje|ia|inteligencia|asistente)\b
| я\ (?:[—–-]\ )?(?:всего\ )?(?:лишь\ |просто\ |только\ )?(?:большая\ )?(?:языковая\ модель|ии
  |искусственный\ интеллект|виртуальный|чат-бот)\b
| являясь\ (?:языковой|ии|искусственным)\b | как\ (?:ии|языковая\ модель)\b[^.\n]{0,20}?,\ я\b
| (?:ai|言語モデル|人工知能)である私
"""
SELF_SIGNS = r"""
  我(?:只|仅)?是(?:一[个款名])?(?:[^，。]{0,12}的)?(?:大型?)?(?:语言模型|ai|人工智能)(?:助手
  |模型)?(?=[，。,]|\Z)
| (?:作为|身为)(?:一[个款名])?(?:大型?)?(?:ai|人工智能|语言模型)(?:语言)?(?:助手|模型)?[，,]\s?我
| 私は(?:ただの)?(?:大規模)?(?:ai|言語モデル|人工知能|アシスタント)(?:アシスタント)?(?:なので|です
  |であ|として|のため)
"""
"""What only a model says of itself."""

AS_A_MODEL = r"""
  (?:as|being)\ an?\ (?:large\ )?(?:ai|artificial\ intelligence|language\ model)(?:\ \w+){0,2},
| als\ (?:eine?\ )?(?:\w+\ )?(?:ki|künstliche\ intelligenz|sprachmodell)(?:-\w+)?(?:,|\ (?:kann|weiß
  |habe|bin|darf|könn\w+|gilt)\b)
| como\ (?:una?\ )?(?:\w+\ )?(?:(?:asistente\ de\ )?ia|inteligencia\ artificial
  |modelo\ de\ lenguaje),
| как\ (?:ии|искусственный\ интеллект|языковая\ модель)(?:-\w+)?,
| (?:作为|身为)(?:一[个款名])?(?:大型?)?(?:ai|人工智能|语言模型|智能)(?:语言)?(?:助手|模型)?[，,]
| (?:ai|言語モデル|人工知能)(?:アシスタント|モデル)?として[、はお]
| en\ tant\ qu(?:e\ modèle|['’](?:ia|intelligence|assistant))
| como\ (?:uma?\ )?(?:ia|inteligência\ artificial|modelo\ de\ linguagem),
| come\ (?:una?['’\ ]?\ ?)?(?:ia|intelligenza\ artificiale|modello\ linguistico),
| als\ (?:een\ )?(?:ai|taalmodel)\b | jako\ (?:ai|model\ językowy)\b
| (?:ai|언어\ ?모델|인공지능)(?:으?로서)
"""
"""How a sentence begins that is said by a model, or of one."""

FIRST = r"""
  (?:sure|certainly|absolutely|okay|ok|great)[,!.:] | of\ course(?:[!.:]|,\ (?:here|i)\b)
| (?:sure\ thing|got\ it|understood|no\ problem)[,!.:] | let\ me\ (?:explain|describe)\b
| (?:here(?:\ is|\ are|['’]s|\ you\ (?:go|are))|below\ (?:is|are)|the\ following\ is)\b
| (?:(?:the|an?|one|two|three|short|brief|concise|simple|final|one-sentence)\ ){0,3}(?:title|summary
  |description|answer|output|response|note|explanation|paragraphs?|sentences?|ai|assistant|chatbot
  |user)(?:\ (?:of|for|on|about)\ [^:.!?\n]{1,40})?\s?:
| (?:description|summary|explanation)\ [–—-]\  | todo\s?:
| (?:that(?:\ is|['’]s)\ an?\ )?(?:great|good|excellent)\ question\b | as\ (?:you\ )?requested\b
| [^.!?:\n]{0,50}\bto\ (?:a|your|my)\ friend\b[^.!?:\n]{0,20}:
| (?:hey|hi|hello|dear)(?:\ there|,?\ (?:my\ )?(?:friend|reader|user|everyone|all))[,!] | hey[,!]
| hi[,!] | hello! | my\ (?:dear\ )?friend[,!]
| hier\ (?:ist|sind)\b | hier\ eine?\ (?:\w+\ )?(?:beschreibung|zusammenfassung|erklärung|text)\b
| (?:natürlich|gerne?|klar|selbstverständlich|sicher)(?:!|,\ hier) | gern\ geschehen
| alles\ klar[,!.]
| (?:kurze?\ )?(?:beschreibung|zusammenfassung|antwort|titel|erklärung|ki|assistent|nutzer)
  (?:\ (?:der|des|von|zu[mr]?|für)\ [^:.!?\n]{1,40})?\s?:
| (?:hallo|hey)(?:!|,?\ (?:zusammen|freunde?|du)\b) | liebe[rs]?\ (?:freund|leser)\w*
| aquí\ (?:está|tienes?|hay|va)\ (?:una?|la|el|tu)\ (?:\w+\ )?(?:descripci|resumen|explicaci|texto
  |respuesta) | a\ continuación\ (?:se\ (?:presenta|ofrece|describe)|te|le|tienes)\b
| (?:claro|por\ supuesto)(?:!|,\ aquí) | entendido[,!.]
| (?:breve\ )?(?:descripción|resumen|respuesta|título|explicación|asistente|usuario)(?:\ breve)?
  (?:\ de\ [^:.!?\n]{1,40})?\s?:
| hola(?:!|\ amig[oa]) | querid[oa]s?\ (?:amig|lector)\w+
| вот\ (?:\w+\ )?(?:описание|резюме|объяснение|ответ|текст)\b
| (?:конечно|разумеется|хорошо|понятно)(?:!|,\ вот)
| (?:(?:краткое|короткое|моё|мой|ваше)\ )?(?:описание|резюме|ответ|заголовок|объяснение|ассистент
  |пользователь)(?:\ (?:заметки|темы|текста|на\ вопрос))?\s?:
| привет(?:!|,\ друг) | здравствуйте | дорогой\ (?:друг|читатель)
| (?:以下|下面)(?:就)?是 | 这里是[^，。]{0,14}(?:描述|说明|介绍|总结|解释)
| (?:好的|没问题|明白了?|收到)[,，。！!]
| 当然(?:[！!]|可以|，(?:以下|下面|这是))
| (?:一句话|简短|简要|笔记)?的?(?:描述|摘要|总结|概述|标题|解释|回答|答案|回复|助手|用户)\s?[:：]
| (?:嗨|嘿|你好|您好)[，,！!](?!世界) | 亲爱的
| 以下[はにが] | はい[、。] | もちろん(?:です|[！!]|、以下) | 承知(?:し|いた) | かしこまり
| 了解(?:し|です)
| [^。：:\n]{0,20}(?:説明文?|要約|概要|タイトル|回答|答え|アシスタント)\s?[:：]
| こんにちは[、。！!](?!世界)
| voici\b | bien\ sûr\b | certainement[,!] | aqui\ está\b | com\ certeza[,!] | ecco\b | certo[,!]
| hier\ (?:is|zijn)\b | oto\b | oczywiście[,!] | 다음은 | 물론
"""
"""What an answer begins with in a chat: yes, a label, a greeting."""

CHATTER = r"""
  would\ you\ like\ (?:me|to\ know|more|another)\b | (?:do\ you\ )?want\ me\ to\b
| do\ you\ (?:have|need|want)\ (?:any\ )?(?:more|other|further|to\ know)\b
| if\ you(?:\ have|\ need|\ want|['’]d\ like|\ would\ like)\ [^.\n]{0,40}
  (?:\bask\b|let\ me|feel\ free|\bi\ (?:can|am|will)\b|\bi['’]|n['’]t\ hesitate|reach\ out)
| if\ you\ have\ (?:any\ )?(?:more|further|other)\ questions
| (?:please\ |just\ )?let\ me\ know\ (?:if|what|whether|how|when)\b
| (?:i\ )?hope\ (?:this|that|it)\b | feel\ free\ to\ (?:ask|reach|let\ me)\b
| (?:this|that)\ should\ (?:be\ enough|suffice)\ (?:for|as)\ (?:your|the|a)\ (?:note|callout)\b
| is\ there\ anything\ (?:else|more)
| (?:thanks|thank\ you)\ for\ (?:reading|asking|sharing|providing|your)\b | \(?word\ count\s?:
  | \(?\d+\ words\)
| ich\ hoffe,?\ (?:das|dies|die|es|ich)\b
| (?:wenn|falls)\ (?:du|sie)\ (?:\w+\ ){0,3}(?:fragen|mehr|hilfe|weitere\w*)\b[^.\n]{0,30}
  \b(?:frag|melde|lass|sag|wende|bescheid|helfe)\w*
| bei\ (?:weiteren\ )?fragen\ [^.\n]{0,40}(?:verfügung|melde|frag)\w*
| (?:möchtest\ du|möchten\ sie|soll\ ich)\ [^.?!\n]{0,30}(?:mehr|teil|ausführ|erklär|beispiel
  |genauer|vertief|ergänz|wissen)[^.?!\n]{0,30}\?
| lass(?:en\ sie)?\ (?:es\ )?mich\ wissen
| (?:gib|geben\ sie)\ mir\ bescheid | \(?wort(?:an)?zahl\s?: | \(?\d+\ wörter\)
| espero\ que\ [^.\n]{0,30}(?:ayud|útil|sirv)\w* | (?:te|le)\ gustaría\b
| (?:quieres?|deseas?)\ (?:que|saber|más)
| si\ (?:tienes?|necesitas?|quieres?|desea)\ [^.\n]{0,40}(?:dime|dígame|avísa|pregunt|no\ dud
  |puedo|estoy)
| no\ dudes?\ en\ (?:pregunt|consult|contact|ped|decir)\w* | avísame\b | estoy\ aquí\ para\b
| \(?recuento\ de\ palabras\s?: | \(?\d+\ palabras\)
| надеюсь,?\ (?:это|что|эта|мой|моё)\b | дайте\ (?:мне\ )?знать | буду\ рад
| чем\ (?:\w+\ )?я?\ ?могу
| если\ (?:\w+\ ){0,4}(?:вопрос|подробност|больше|помощ|чтобы\ я)[^.\n]{0,40}
  (?:спрашивай|обращай|напиши|дай(?:те)?\ знать|сообщи|задава)
| (?:хотите|хочешь),?\ (?:чтобы\ я|узнать\ больше)\b | спасибо\ за\ (?:вопрос|внимание)
| \(?количество\ слов\s?: | \(?\d+\ слов[ао]?\)
| 希望(?:这|以上|对[你您]|能|可以)[^。\n]{0,15}(?:帮|有用|有所)
| (?:需要|要不要)我(?:再|继续|进一步|为|帮)
| (?:如果?|若)[^。\n]{0,12}(?:问题|疑问|帮助|更多)[^。\n]{0,8}(?:欢迎|告诉我|问我|随时|联系我)
| [你您](?:还)?想(?:进一步)?(?:了解|知道)[^。\n]{0,12}[吗？?]
| (?:有|还有)什么[^。\n]{0,14}(?:告诉我|问我|帮)
| 欢迎(?:随时|继续)?(?:提问|问我|联系) | 以上(?:就)?是[^。\n]{0,15}(?:描述|介绍|说明|解释|总结|概述)
| （?字数[：:] | （(?:共|约|全文)?\d+\ ?字）
| お役に立 | 参考になれば | (?:もっと|さらに|より)[^。\n]{0,15}(?:知りたい|しましょうか)
| (?:ご不明|ご質問)[^。\n]{0,25}(?:ください|下さい|お尋ね|お聞き|お知らせ)
| (?:質問|他に|ほかに)[^。\n]{0,25}(?:お尋ね|お聞き|お知らせ|でしょうか)
| 以上が[^。\n]{0,15}(?:説明|要約|概要)です | （?文字数[：:] | （(?:約)?\d+\ ?文字）
"""
"""How a sentence begins that is said to who asked."""

SPEAKERS = r"""
  (?:user|human|assistant|ai|keywords?|hashtags|sources?|references|also\ called|headings)
| (?:nutzer|benutzer|assistent|ki|stichwörter|schlagwörter|schlüsselwörter|quellen?)
| (?:usuario|asistente|ia|palabras\ clave|etiquetas|fuentes?)
| (?:пользователь|ассистент|ии|ключевые\ слова|теги|источники?)
| (?:用户|助手|人类|关键词|关键字|来源|参考资料)
| (?:ユーザー|アシスタント|キーワード|出典|参考文献)
"""
"""What stands before a colon where another speaks, or where words for a search follow."""
