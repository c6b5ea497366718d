"""What the model is asked: our prompt files, the user's over them, and the messages."""

from companion.prompts.field import Field, NothingToChoose, find_field
from companion.prompts.messages import Ask, Prompts, make_ask, question_of
from companion.prompts.prompt_context import PromptContext
from companion.prompts.prompt_file import PromptError
from companion.prompts.prompt_folders import load_prompts

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
    "question_of",
]
