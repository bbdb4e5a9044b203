"""Language models without fine-tuning: perplexity of a text, language tests such as LAMBADA, zero-shot tasks."""
