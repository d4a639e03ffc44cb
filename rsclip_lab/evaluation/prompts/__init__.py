"""The words that are asked with: what each template reaches, and what is wrong with a prompt."""

from rsclip_lab.evaluation.prompts.doctor import PromptReport, prompt_doctor
from rsclip_lab.evaluation.prompts.prompt_table import prompt_table

__all__ = ["PromptReport", "prompt_doctor", "prompt_table"]
