"""What the model is asked: our prompt files, the user's over them, and the messages."""

from companion.prompts.context import PromptContext
from companion.prompts.fields import Field, NothingToChoose, find_field
from companion.prompts.files import PromptError
from companion.prompts.messages import Ask, Prompts, load_prompts, make_ask

__all__ = [
    "Ask",
    "Field",
    "NothingToChoose",
    "PromptContext",
    "PromptError",
    "Prompts",
    "find_field",
    "load_prompts",
    "make_ask",
]
