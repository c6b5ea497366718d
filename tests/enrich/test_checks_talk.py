"""Talk of the note, the answer or the model, and refusals, in six languages; and what is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from companion.enrich.checks import CHECKS, CheckedAnswer
from companion.prompts import load_prompts

PROMPTS = load_prompts()
TALK = ("meta", "refusal", "echo", "task")
NOTES = {
    "en": ("Compost", "Leaves and kitchen scraps rot in a heap that is turned every few weeks."),
    "de": ("Kompost", "Laub und Küchenabfälle verrotten auf einem Haufen, den man oft umsetzt."),
    "es": ("Compost", "Las hojas y los restos se pudren en un montón que se voltea a menudo."),
    "ru": ("Компост", "Листья и отходы гниют в куче, которую переворачивают раз в месяц."),
    "zh": ("堆肥", "把厨余和落叶堆在一起，每隔几周翻动一次，直到变成深色的泥土。"),
    "ja": ("堆肥", "生ごみと落ち葉を積み上げて、数週間ごとに切り返します。"),
}


def answer_of(text: str, title: str, note: str = "", field: str = "description") -> CheckedAnswer:
    told = PROMPTS.instructions(PROMPTS.fields[field])
    return CheckedAnswer(PROMPTS.fields[field], text, text, title, note, note, told)


def talk_in(answer: CheckedAnswer) -> str | None:
    faults = (CHECKS[kind](answer) for kind in TALK)
    return next((fault.kind for fault in faults if fault), None)


FRAMES = {
    "en": [
        "A note on how leaves become earth.",
        "A short note describing how leaves rot.",
        "A summary of a note about rotting leaves.",
        "According to the note, leaves rot in a heap.",
        "Based on the provided text, leaves rot in a heap.",
        "In this note, leaves rot in a heap.",
        "In summary, the note explains how leaves rot.",
        "Overall, this note gives a good introduction to the heap.",
        "The author of this note turns a heap of leaves.",
        "This is a brief note about rotting leaves.",
        "The text provided describes how leaves rot.",
        "It gives an overview of the subject.",
    ],
    "de": [
        "In dieser Notiz geht es um Laub und Abfälle.",
        "Die Notiz erwähnt, wie aus Laub Erde wird.",
        "Eine Notiz darüber, wie aus Laub Erde wird.",
        "Eine kurze Notiz über Laub und Abfälle.",
        "Der vorliegende Text beschreibt, wie Laub verrottet.",
        "Gemäß der Notiz verrottet Laub auf einem Haufen.",
        "Laut Notiz verrottet Laub auf einem Haufen.",
        "Zusammenfassung der Notiz über Laub und Abfälle.",
        "Der bereitgestellte Text handelt von Laub und Abfällen.",
    ],
    "es": [
        "En esta nota se explica cómo se pudren las hojas.",
        "Esta nota resume cómo se pudren las hojas.",
        "Una nota sobre cómo se pudren las hojas.",
        "Según la nota, las hojas se pudren en un montón.",
        "La nota menciona cómo se pudren las hojas.",
        "De acuerdo con la nota, las hojas se pudren.",
        "El texto proporcionado describe un montón de hojas.",
        "En la nota se describe un montón de hojas.",
    ],
    "ru": [
        "В этой заметке описывается, как гниют листья.",
        "В данной заметке рассказывается о листьях и отходах.",
        "В заметке говорится о том, как гниют листья.",
        "Эта короткая заметка о том, как гниют листья.",
        "Заметка о том, как гниют листья.",
        "Согласно заметке, листья гниют в куче.",
        "Автор заметки переворачивает кучу раз в месяц.",
        "Данный текст описывает, как гниют листья.",
        "Краткое содержание заметки о листьях и отходах.",
    ],
    "zh": [
        "这则笔记介绍了如何翻动厨余和落叶。",
        "笔记中提到如何翻动厨余和落叶。",
        "根据笔记内容，厨余和落叶要每隔几周翻动一次。",
        "本笔记主要讲述厨余和落叶的翻动。",
        "该笔记详细说明了厨余的处理。",
        "这是一篇关于厨余和落叶的笔记。",
        "一篇关于厨余和落叶的笔记。",
        "用户的笔记记录了厨余和落叶。",
        "文中介绍了如何翻动厨余和落叶。",
        "正如笔记所述，落叶要翻动。",
        "所提供的文本描述了厨余的处理。",
        "笔记的主要内容是厨余和落叶。",
    ],
    "ja": [
        "ノートには落ち葉を積み上げる方法が書かれている。",
        "このノートは落ち葉の積み上げ方をまとめたものです。",
        "本ノートでは落ち葉の積み上げ方を紹介します。",
        "ノートによると、落ち葉は積み上げて切り返す。",
        "メモの内容は落ち葉の積み上げ方です。",
        "落ち葉の積み上げ方についてのノートです。",
        "落ち葉の積み上げ方に関するメモ。",
        "提供されたテキストは落ち葉の積み上げ方です。",
        "ノートに書かれているように、落ち葉を積み上げる。",
        "ユーザーのノートは落ち葉について述べています。",
        "この文章では落ち葉の積み上げ方を述べます。",
    ],
}

MODELS = {
    "en": [
        "As an AI language model, I find leaves hard to describe.",
        "I am an AI assistant and describe how leaves rot.",
        "I'm just a large language model, but leaves rot.",
        "I, as a large AI model, find it fascinating.",
    ],
    "de": [
        "Ich bin ein KI-Modell und beschreibe Laub.",
        "Ich bin nur ein Sprachmodell, doch Laub verrottet.",
    ],
    "es": [
        "Soy un modelo de lenguaje y describo las hojas.",
        "Soy una inteligencia artificial y describo las hojas.",
        "Como IA, no puedo oler las hojas.",
        "Soy solo un asistente virtual, pero las hojas se pudren.",
    ],
    "ru": [
        "Я языковая модель и описываю листья.",
        "Я — искусственный интеллект и листьев не видел.",
    ],
    "zh": [
        "我是一个语言模型，落叶要翻动。",
        "我只是一个AI，但落叶要翻动。",
    ],
    "ja": [
        "AIとして、落ち葉を積み上げます。",
        "AIアシスタントとして、落ち葉の話をします。",
        "言語モデルである私は、落ち葉を見ていません。",
    ],
}

REFUSALS = {
    "en": [
        "Unable to determine what it is about.",
        "It is not possible to write a description of it.",
        "My apologies, but the text is too short to describe.",
        "Write a description of leaves here.",
        "There is too little information to describe the heap.",
        "The note is too short for a meaningful description.",
        "The note does not contain enough details.",
        "No description can be given for it.",
        "I don't know what it is about.",
        "Could you please provide more details about the heap?",
        "Insufficient information to describe the heap.",
    ],
    "de": [
        "Es liegen nicht genug Informationen vor, um Laub zu beschreiben.",
        "Nicht genügend Informationen für eine Beschreibung.",
        "Dazu kann ich leider keine Beschreibung liefern.",
        "Bitte geben Sie mehr Informationen zum Haufen an.",
        "Ich kann dazu keine Beschreibung schreiben.",
        "Entschuldigung, der Text fehlt.",
        "Die Notiz enthält zu wenig Informationen.",
        "Leider fehlen Angaben zum Haufen.",
        "Der Text ist zu kurz, um ihn zu beschreiben.",
    ],
    "es": [
        "No tengo suficiente información para describir el montón.",
        "No se proporciona suficiente información para describirlo.",
        "Por favor, proporcione más información sobre el montón.",
        "No hay información suficiente para una descripción.",
        "No es posible escribir una descripción.",
        "Lo siento, pero no puedo describir las hojas.",
        "Disculpa, falta el texto.",
        "No puedo proporcionar una descripción.",
        "La nota no contiene suficiente información.",
        "Información insuficiente para describir el montón.",
    ],
    "ru": [
        "Недостаточно информации, чтобы описать кучу.",
        "Пожалуйста, укажите больше информации о куче.",
        "Извините, я не могу описать листья.",
        "Невозможно составить описание.",
        "В заметке недостаточно информации.",
        "Приношу извинения, но текста нет.",
        "Прошу прощения, текст слишком короткий.",
        "Предоставьте, пожалуйста, текст заметки.",
    ],
    "zh": [
        "信息不足，无法写出落叶的描述。",
        "由于信息不足，无法给出落叶的描述。",
        "很遗憾，我不能描述落叶的内容。",
        "笔记内容过少，无法概括。",
        "没有足够的信息来描述落叶。",
        "缺乏相关信息，无法判断其主题。",
        "请提供更多关于落叶的信息。",
        "我不知道这是关于什么的。",
        "无法根据现有内容生成描述。",
        "请您补充笔记的内容。",
        "抱歉，内容太少。",
    ],
    "ja": [
        "情報が不足しているため、落ち葉について説明することが難しいです。",
        "十分な情報がありません。",
        "申し訳ございませんが、説明できません。",
        "説明文を作成することができません。",
        "ノートの内容を教えてください。",
        "もう少し詳しい情報を提供してください。",
        "情報が足りないため、要約できません。",
        "ご質問にはお答えできません。",
    ],
}

LABELS = {
    "en": [
        "Title: Leaves and scraps.",
        "Explanation: leaves rot in a heap.",
        "AI: Leaves rot in a heap.",
        "Two paragraphs on leaves: they rot in a heap.",
        "Description of the heap: leaves rot in it.",
        "One-sentence description: leaves rot in a heap.",
        "Assistant: leaves rot in a heap.",
        "**Answer:** leaves rot in a heap.",
        "Hey friend! Leaves rot in a heap.",
        "Dear friend, leaves rot in a heap.",
        "Hi there, leaves rot in a heap.",
        "Absolutely! Leaves rot in a heap.",
        "Here you go: leaves rot in a heap.",
        "Let me explain how leaves rot.",
    ],
    "de": [
        "Beschreibung: Laub verrottet auf einem Haufen.",
        "Kurze Beschreibung des Haufens: Laub verrottet.",
        "Antwort: Laub verrottet auf einem Haufen.",
        "Titel: Laub und Abfälle.",
        "KI: Laub verrottet auf einem Haufen.",
        "Hallo! Laub verrottet auf einem Haufen.",
        "Gerne! Laub verrottet auf einem Haufen.",
        "Hier eine kurze Beschreibung: Laub verrottet.",
    ],
    "es": [
        "Descripción: las hojas se pudren en un montón.",
        "Descripción breve: las hojas se pudren.",
        "Explicación: las hojas se pudren en un montón.",
        "Título: las hojas y los restos.",
        "¡Claro! Las hojas se pudren en un montón.",
        "¡Hola! Las hojas se pudren en un montón.",
        "Aquí tienes una descripción de las hojas.",
        "A continuación se presenta una descripción de las hojas.",
    ],
    "ru": [
        "Краткое описание: как гниют листья.",
        "Описание заметки: как гниют листья.",
        "Ответ: листья гниют в куче.",
        "Заголовок: листья и отходы.",
        "Привет! Листья гниют в куче.",
        "Конечно! Листья гниют в куче.",
        "Вот описание: листья гниют в куче.",
        "Ассистент: листья гниют в куче.",
    ],
    "zh": [
        "描述：如何翻动厨余和落叶。",
        "一句话总结：如何翻动厨余和落叶。",
        "标题：厨余和落叶。",
        "解释：落叶要翻动。",
        "助手：落叶要翻动。",
        "嗨，朋友！落叶要翻动。",
        "好的！落叶要翻动。",
        "以下是关于落叶的描述。",
        "这里是落叶的简要描述。",
    ],
    "ja": [
        "堆肥についての説明文：落ち葉を積み上げる方法。",
        "説明：落ち葉を積み上げる方法。",
        "要約: 落ち葉を積み上げる方法。",
        "タイトル：落ち葉の積み上げ方。",
        "回答：落ち葉を積み上げます。",
        "こんにちは！落ち葉を積み上げます。",
        "はい、落ち葉を積み上げます。",
        "以下に説明文を示します。",
        "承知しました。落ち葉を積み上げます。",
    ],
}

TAILS = {
    "en": [
        "Would you like me to expand on any part of it?",
        "If you have any more questions, just ask.",
        "If you'd like more details, I can write a longer text.",
        "(Word count: 96 words.)",
        "(96 words)",
        "User: What about worms?\n\nAssistant: Worms help a lot.",
        "Human: thanks!",
        "Keywords: leaves, heap.",
        "I hope that helps!",
        "Let me know what you think.",
        "Feel free to ask for more.",
        "Is there anything else you want to know?",
        "Do you want more examples?",
        "Your note mentions that the heap is turned often.",
        "Thank you for reading!",
        "Note: the text above was written without other sources.",
    ],
    "de": [
        "Ich hoffe, das hilft dir weiter!",
        "Wenn du weitere Fragen hast, frag einfach.",
        "Möchtest du mehr darüber wissen?",
        "Soll ich einen Teil davon ausführen?",
        "Lass mich wissen, ob das passt.",
        "(Wortanzahl: 96)",
        "(96 Wörter)",
        "Nutzer: Und die Würmer?",
        "Schlagwörter: Laub, Haufen.",
    ],
    "es": [
        "Espero que esto te ayude.",
        "Si tienes más preguntas, no dudes en preguntar.",
        "¿Te gustaría saber más sobre las hojas?",
        "Avísame si necesitas algo más.",
        "Estoy aquí para ayudarte.",
        "(Recuento de palabras: 96)",
        "(96 palabras)",
        "Usuario: ¿y los gusanos?",
        "Palabras clave: hojas, montón.",
    ],
    "ru": [
        "Надеюсь, это поможет!",
        "Если у вас есть вопросы, спрашивайте.",
        "Если нужны подробности, дайте знать.",
        "Хотите, чтобы я рассказал подробнее?",
        "Буду рад помочь ещё.",
        "(Количество слов: 96)",
        "(96 слов)",
        "Пользователь: а черви?",
        "Ключевые слова: листья, куча.",
    ],
    "zh": [
        "希望这些内容对你有帮助。",
        "如果你还有其他问题，请随时问我。",
        "如需了解更多，欢迎提问。",
        "需要我进一步说明吗？",
        "以上就是关于落叶的介绍。",
        "（字数：96）",
        "（共96字）",
        "用户：蚯蚓呢？",
        "关键词：落叶、厨余。",
        "等等……需要我再写一段吗？",
    ],
    "ja": [
        "お役に立てれば幸いです。",
        "ご不明な点がありましたらお知らせください。",
        "他に質問があれば、お気軽にお尋ねください。",
        "以上が落ち葉の説明です。",
        "参考になれば幸いです。",
        "（文字数：96）",
        "（96文字）",
        "ユーザー：ミミズは？",
        "キーワード：落ち葉、生ごみ。",
    ],
}

MORE = {
    "en": [
        "Judging by its title, it is about leaves that rot.",
        "First I need to decide whether leaves or scraps come first.",
        "Leaves rot. In the second paragraph come the scraps.",
        "The note provides an overview of leaf rot.",
        "This note is a short guide to heaps.",
        "A note that explains how leaves rot.",
        "The given note discusses how leaves rot.",
        "This text is about leaves that rot.",
        "I'm unable to see the content of the note.",
        "There is no description available.",
        "Sorry, I don't have access to the note.",
        "No content was provided.",
        "More context is needed to describe it.",
        "I would need more information to describe it.",
        "Sure thing! Leaves rot.",
        "Here's the description you asked for: leaves rot.",
        "Final answer: leaves rot.",
        "Response: leaves rot.",
        "Got it! Leaves rot.",
        "Of course! Leaves rot.",
        "As a helpful assistant, I describe how leaves rot.",
        "Description: leaves rot.",
    ],
    "de": [
        "Dem Titel nach geht es um Laub, das verrottet.",
        "Also, es geht um Laub, und das passt in einen Satz.",
        "In den ersten Absatz gehört das Laub, das verrottet.",
        "Die vorliegende Notiz beschreibt, wie Laub verrottet.",
        "Hier wird beschrieben, wie Laub verrottet, laut der Notiz.",
        "Es gibt nicht genügend Informationen in der Notiz.",
        "Ohne weitere Informationen kann ich nichts beschreiben.",
        "Mir fehlen Informationen, um Laub zu beschreiben.",
        "Tut mir leid, aber das geht nicht.",
        "Zusammenfassung: Laub verrottet.",
        "Natürlich, hier ist die Beschreibung: Laub verrottet.",
        "Selbstverständlich! Laub verrottet.",
        "Die Notiz behandelt Laub.",
    ],
    "es": [
        "La nota está vacía, pero las hojas se pudren.",
        "Siento no poder ser de más ayuda con las hojas.",
        "La nota describe cómo se pudren las hojas.",
        "Este texto explica cómo se pudren las hojas.",
        "La presente nota trata de las hojas.",
        "Nota sobre hojas y restos que se pudren.",
        "No cuento con suficiente información.",
        "Necesito más información para describirlo.",
        "Lo lamento, no puedo ayudar.",
        "No hay suficiente contexto para describir el montón.",
        "Resumen: las hojas se pudren.",
        "Respuesta: las hojas se pudren.",
        "¡Por supuesto! Las hojas se pudren.",
        "Claro, aquí tienes: las hojas se pudren.",
        "Aquí está la descripción: las hojas se pudren.",
    ],
    "ru": [
        "Судя по названию, речь о листьях и отходах.",
        "Пример возьму с листьями, это пойдёт в первый абзац.",
        "Заметка описывает, как гниют листья.",
        "Этот текст о том, как гниют листья.",
        "Данная заметка посвящена листьям.",
        "Речь в заметке идёт о листьях.",
        "Мне нужно больше информации.",
        "К сожалению, я не могу помочь.",
        "Слишком мало информации для описания.",
        "Я искусственный интеллект и не вижу листьев.",
        "Описание: как гниют листья.",
        "Конечно, вот описание: листья гниют.",
        "Хорошо! Листья гниют в куче.",
    ],
    "zh": [
        "从标题看，主要是落叶怎样变成泥土。",
        "这篇笔记讲述了落叶的翻动。",
        "该笔记介绍了落叶的翻动。",
        "这份文档描述了落叶的翻动。",
        "笔记主要介绍落叶的翻动。",
        "此笔记是关于落叶的。",
        "内容为空，无法生成描述。",
        "没有提供足够的信息。",
        "无法确定笔记的主题。",
        "对不起，我无法回答。",
        "我需要更多信息才能描述。",
        "当然！落叶要翻动。",
        "总结：落叶要翻动。",
        "好的，以下是描述：落叶要翻动。",
    ],
    "ja": [
        "タイトルからすると、落ち葉が土になる話である。",
        "このメモは落ち葉について書かれています。",
        "このノートでは落ち葉を扱います。",
        "落ち葉に関する内容が書かれたノートです。",
        "本メモは落ち葉の積み上げ方を記録したものです。",
        "この文書は落ち葉を説明しています。",
        "情報が不十分です。",
        "内容がありません。",
        "申し訳ありません。",
        "もっと情報が必要です。",
        "AIアシスタントとしてお答えします。",
        "概要：落ち葉を積み上げる。",
        "はい、以下が説明です。",
        "もちろんです。落ち葉を積み上げます。",
    ],
}

ECHOES = [
    "The key points that matter most about the subject.",
    "The subject first, then the points that matter most.",
    "The points which matter most, the subject first.",
    "A plain sentence about the subject in the words of the note.",
    "Plain words about the subject, whole sentence, full stop.",
]


def _rows(*tables: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(lang, text) for table in tables for lang, texts in table.items() for text in texts]


@pytest.mark.parametrize(("language", "text"), _rows(FRAMES, MODELS, REFUSALS, LABELS, MORE))
def test_no_description(language: str, text: str) -> None:
    assert talk_in(answer_of(text, *NOTES[language]))


@pytest.mark.parametrize(("language", "text"), _rows(TAILS))
def test_no_end_of_a_callout(language: str, text: str) -> None:
    title, note = NOTES[language]
    assert talk_in(answer_of(f"{note}\n\n{text}", title, note, "callout"))
    assert talk_in(answer_of(f"{note} {text}", title, note, "callout"))


@pytest.mark.parametrize("text", ECHOES)
def test_echo(text: str) -> None:
    assert talk_in(answer_of(text, *NOTES["en"]))


GOOD = {
    "en": [
        ("Steel", "How engineers choose steel for a bridge based on the properties of each alloy."),
        ("Dataview", "Queries that list pages based on the tags, folders or links."),
        ("Prices", "Net prices, and why to add to them as the tax is not included."),
        ("Sappho", "The life of Sappho, as no other details about the poet are known."),
        ("Banknotes", "Why these bank notes end up destroyed after some years."),
        ("Essays", "How an essay puts its thesis in the first paragraph."),
        ("Limits", "A file must not exceed 5 MB; when it does, try again with a smaller one."),
        ("Routing", "Without this information it is impossible to route a packet."),
        ("Sets", "We write a set with braces and count its elements."),
        ("Login", "When the user wants to log in, a token is made."),
        ("Prose", "How words and sentences make up a good paragraph."),
        ("Polysemy", "Which meaning a word has in a given context depends on the others."),
        ("Perplexity", "How well a model predicts a given text, where low values are better."),
        ("OpenAI", "A company founded as an AI research lab, known for its chatbot."),
        ("ChatGPT", "Using ChatGPT as an AI assistant for drafting mails."),
        ("ZIP", "Its compression is lossless, so no information is lost."),
        ("HTTP", "A request does not contain any information about the ones before it."),
        ("Feedback", "A form may say: please provide your name and your order number."),
        ("FAQ", "Typical entries are how can I help others and what can I do."),
        ("Newspaper", "A paper informs its readers. Here is where local news matters most."),
        ("Heisenberg", "It is impossible to determine position and momentum at once."),
        ("AI: A Modern Approach", "AI: A Modern Approach is a book on search and logic."),
        ("Hello, World!", "Hello, World! is the first program that most people write."),
        ("Zen", "If you want more control, use the settings of the app."),
        ("Support desk", "People who have questions send a mail, and a person answers."),
        ("Bug report", "A title, a description and the steps that lead to the crash."),
        ("Meeting", "Meeting notes from May, in which two engineers were hired."),
        ("Reading", "Notes on a book about bread and how it rises."),
        ("About me", "I'm an AI graduate student and bake bread on Sundays."),
        ("Chat", "A channel of its own, which I can't access until next week."),
        ("Overfitting", "A model with not enough data learns its examples by heart."),
    ],
    "de": [
        ("Router", "Ohne diese Informationen kann ein Router nicht arbeiten."),
        ("Spin", "Dieser Effekt lässt sich klassisch nicht beschreiben."),
        ("Mozart", "Über seine ersten Jahre liegen keine Angaben vor."),
        ("BERT", "BERT wurde als Sprachmodell entwickelt und liest in beide Richtungen."),
        ("Lossless", "Beim Packen gehen keine Informationen verloren."),
        ("Formular", "Auf dem Formular steht: Bitte geben Sie Ihren Namen an."),
        ("Lernen", "Notizen helfen beim Lernen, weil man sie mit eigenen Worten schreibt."),
        ("Zettelkasten", "Eine Notiz hält einen Gedanken fest und verweist auf andere."),
        ("ChatGPT", "Ein Dienst, der als KI-Assistent beim Schreiben hilft."),
        ("Grenzen", "Was man messen kann, ist nicht alles; manches kann ich nur fühlen."),
        ("Banknote", "Die Note ist aus Baumwolle und trägt ein Wasserzeichen."),
        ("Überfitten", "Ein Modell mit zu wenig Daten lernt seine Beispiele auswendig."),
        ("Laub", "Leider selten geworden: Wälder, in denen Laub liegen bleibt."),
    ],
    "es": [
        ("Boxeo", "Cómo los boxeadores pelean por el título del mundo."),
        ("Registro", "Quién es dueño según el título inscrito en el registro."),
        ("Colón", "No se dispone de datos sobre su juventud."),
        ("Nota musical", "La nota es la unidad con la que se escriben las melodías."),
        ("ZIP", "Al comprimir no se pierde información."),
        ("Formulario", "El formulario dice: por favor, indique su nombre."),
        ("Universidad", "Se estudia como inteligencia artificial, robótica o estadística."),
        ("Apuntes", "Tomar notas ayuda a recordar lo que se oye en clase."),
        ("ChatGPT", "Un servicio que sirve como asistente de IA para escribir."),
        ("Prensa", "El periódico informa cada día y según la ocasión opina."),
        ("Datos", "Sin suficientes datos, un modelo aprende sus ejemplos de memoria."),
        ("Límites", "No es posible determinar a la vez la posición y el momento."),
        ("Vecinos", "Aquí está el barrio más antiguo de la ciudad."),
    ],
    "ru": [
        ("Модель", "Для точности модели требуется больше данных."),
        ("ИИ в медицине", "Как ИИ помогает врачам и какие риски остаются."),
        ("Будущее", "О том, как искусственный интеллект меняет медицину."),
        ("ZIP", "При сжатии без потерь информация не теряется."),
        ("Анкета", "В анкете написано: пожалуйста, укажите ваше имя."),
        ("Конспект", "Заметки помогают запомнить то, что сказано на лекции."),
        ("Переобучение", "Модель, у которой недостаточно данных, заучивает примеры."),
        ("BERT", "BERT обучили как языковую модель на больших корпусах."),
        ("Неопределённость", "Невозможно определить сразу и место, и импульс частицы."),
        ("Связь", "Если у вас есть сад, компост экономит деньги."),
        ("Сад", "Вот уже сто лет сад открыт для всех."),
    ],
    "zh": [
        ("搜索引擎", "搜索引擎如何从标题看出页面主题。"),
        ("孤立笔记", "如何查找笔记之间没有链接的孤立页面。"),
        ("路径", "文件名太长，系统就会报错。"),
        ("光电效应", "经典理论因此无法解释这一现象。"),
        ("令牌", "当用户想要登录时，系统生成令牌。"),
        ("命名", "没有标题的文件用日期命名。"),
        ("神经网络", "数据经过编码后作为模型的输入，逐层变换。"),
        ("语言模型", "早期人们用循环网络作为语言模型，如今换了结构。"),
        ("Obsidian 入门", "Obsidian 的基本笔记操作，包括安装软件。"),
        ("Logseq", "该笔记软件以块为单位组织内容。"),
        ("MongoDB", "该文档模型允许字段随时增减。"),
        ("登录", "页面上通常会提示“请输入账号和密码”，系统随后核对信息。"),
        ("压缩", "无损压缩不会丢失任何信息。"),
        ("过拟合", "数据不足时，模型会记住训练样本。"),
        ("卡片盒", "笔记之间互相链接，想法越积越多。"),
        ("加密", "没有密钥的人无法确定消息的内容。"),
        ("日志", "描述问题时要写明时间和步骤。"),
        ("本文", "本文介绍酵头的喂养方法。"),
    ],
    "ja": [
        ("推理小説", "題名から推理小説の犯人を当てる遊び。"),
        ("要約", "要点をまとめた一覧です。"),
        ("ChatGPT", "ChatGPTは対話型AIとして、文章の作成に使われています。"),
        ("光電効果", "この現象は古典的な波の理論では説明できません。"),
        ("Git", "まずは空のフォルダで初期化のコマンドを入力してください。"),
        ("圧縮", "可逆圧縮では情報が失われない。"),
        ("過学習", "データが不足すると、モデルは例を丸暗記する。"),
        ("学習法", "ノートの取り方で、覚えやすさが変わります。"),
        ("エディタ", "ノートをリンクでつなぐアプリの使い方。"),
        ("説明責任", "説明責任とは、行動の理由を述べる義務です。"),
        ("窓口", "質問は窓口で受け付けています。"),
        ("言語モデル", "次の単語を予測する仕組みで、翻訳に使われます。"),
    ],
}


@pytest.mark.parametrize(
    ("title", "text"),
    [pytest.param(*row, id=row[1][:30]) for rows in GOOD.values() for row in rows],
)
def test_a_good_description(title: str, text: str) -> None:
    assert talk_in(answer_of(text, title)) is None


@pytest.mark.parametrize(
    ("text", "title", "note"),
    [
        ("How my garden gets its compost.", "Garden", "I turn the heap in spring."),
        ("What I read this year.", "Books I read", ""),
        ("Typical entries are “how can I help” and the like.", "FAQ", ""),
        ("How World War I began.", "1914", ""),
        ("A type I error is a false alarm.", "Statistics", ""),
        ("Das Ich vermittelt zwischen Es und Über-Ich.", "Freud", ""),
        ("自我与本我的关系，以及我国的研究。", "弗洛伊德", ""),
        ("私たちの町の歴史と私立学校の一覧。", "町", ""),
        ("乾燥に我慢強いコケ。", "コケ", ""),
        ("Белые грибы сушат, не моя их.", "Грибы", ""),
    ],
)
def test_no_voice_of_the_models_own(text: str, title: str, note: str) -> None:
    assert CHECKS["voice"](answer_of(text, title, note)) is None


CALLOUTS = [
    pytest.param("Tokenization", "The text is split into words or parts of words.", id="the text"),
    pytest.param("Digital signature", "The document is hashed first.", id="the document"),
    pytest.param("Search engine", "The documents are ranked by how well they fit.", id="documents"),
    pytest.param("Middle C", "The note is written on a small line of its own.", id="music"),
    pytest.param("CMS", "The content is stored in a database.", id="the content"),
    pytest.param("Contract", "The document states what each side owes the other.", id="states"),
    pytest.param("Passport", "The document contains a photo and a number.", id="contains"),
    pytest.param("Zettelkasten", "The references of this note lead to others.", id="of this note"),
    pytest.param("Zettelkasten", "In the note itself one idea is written down.", id="itself"),
    pytest.param("Kubernetes", "What it is, how it works, why it matters takes weeks.", id="what"),
    pytest.param("Erlkönig", "Der Text ist in acht Strophen gegliedert.", id="der Text"),
    pytest.param("Testament", "Das Dokument ist nur von Hand geschrieben gültig.", id="Dokument"),
    pytest.param("Contrato", "El documento contiene los derechos de cada una.", id="contiene"),
    pytest.param("Melodía", "La nota es la unidad de la música.", id="la nota es"),
    pytest.param("Паспорт", "Этот документ нужен для поездок.", id="этот документ"),
    pytest.param("合同", "该文档写明双方的权利和义务。", id="该文档"),
    pytest.param("ユーザー", "ユーザーのメモは端末に保存される。", id="メモ"),
]


@pytest.mark.parametrize(("title", "text"), CALLOUTS)
def test_a_good_callout(title: str, text: str) -> None:
    first = "One thing is worth knowing."
    assert talk_in(answer_of(f"{first} {text}", title, field="callout")) is None


SUBJECTS = [
    pytest.param("Abstract", "This document describes a protocol.", "This document describes TCP.",
                 id="the note's words"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "text", "note"), SUBJECTS)
def test_what_the_note_says_is_no_talk(title: str, text: str, note: str) -> None:
    assert talk_in(answer_of(text, title, note)) is None
    assert talk_in(answer_of(text, "Compost", NOTES["en"][1]))


def test_a_model_never_speaks_of_itself() -> None:
    note = "An AI language model is asked. As an AI language model, I cannot, it says."
    for text in ("As an AI language model, I cannot say.", "I am an AI language model."):
        assert talk_in(answer_of(text, "AI", note)) in ("meta", "refusal")


@pytest.mark.parametrize("text", ["The note does not say.", "In the note, it takes three months."])
def test_what_answers_a_question_may_speak_of_the_note(text: str) -> None:
    answer = answer_of(text, *NOTES["en"], field="callout")
    assert talk_in(replace(answer, question="How long does it take?")) is None
