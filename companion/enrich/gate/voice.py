"""Does an answer say "I" where the note does not? Then it is the model that speaks.

Whoever explains a subject has no need to; who refuses, thinks aloud or makes conversation does.
"""

from __future__ import annotations

import re

from companion.enrich.gate.said import Fault, Said

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


def find_first_person(said: Said) -> Fault | None:
    """Return the fault of an answer that speaks in the first person, where its note does not."""
    found = _I.search(_QUOTED.sub(" ", said.text))
    if not found or _I.search(f"{said.title}\n{said.note}"):
        return None
    return Fault("voice", f"speaks of itself (“{' '.join(found[0].split())}”)", _RETRY)
